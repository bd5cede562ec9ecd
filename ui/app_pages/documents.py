"""Documents."""

from ui.documents import page

page.show()
