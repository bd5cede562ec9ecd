"""Schema changes, oldest first in `versions`; assistant/database.py applies them."""
