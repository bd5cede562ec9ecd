"""What the pages need to know about where they run. Set once at start, read everywhere below."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UiSettings:
    """Where the API is and where the pages listen."""

    api_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = 8501
    max_upload_mb: int = 1024  # per file: the pages hold it in memory meanwhile; the API's limits hold besides
    product: str = "Inhouse"


_current = UiSettings()


def configure(settings: UiSettings) -> None:
    """Make `settings` the ones that `current()` returns, for the whole process."""
    global _current  # Streamlit runs the page scripts itself, so nothing can be passed to them as an argument
    _current = settings


def current() -> UiSettings:
    """Return the settings of this process."""
    return _current
