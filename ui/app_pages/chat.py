"""Chat."""

from ui.chat import page

page.show()
