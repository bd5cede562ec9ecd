"""Memory."""

from ui.memory import page

page.show()
