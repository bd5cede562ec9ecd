"""Models."""

from ui.models import page

page.show()
