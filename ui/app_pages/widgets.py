"""Widgets."""

from ui.widgets import page

page.show()
