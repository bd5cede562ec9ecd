"""People."""

from ui.people import page

page.show()
