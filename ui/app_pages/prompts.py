"""Prompts."""

from ui.prompts import page

page.show()
