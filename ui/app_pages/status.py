"""Status."""

from ui.people import health

health.show()
