"""Ratings."""

from ui.ratings import page

page.show()
