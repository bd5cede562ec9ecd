"""Skills."""

from ui.skills import page

page.show()
