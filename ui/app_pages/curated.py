"""Curated answers."""

from ui.curated import page

page.show()
