"""Assistants that people set up and share."""

from ui.assistants import page

page.show()
