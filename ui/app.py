"""The pages as one ASGI application: Streamlit with our doors beside it and the guard in front."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from ui import look, settings
from ui.doors.guard import Guard
from ui.doors.routes import routes
from ui.settings import UiSettings
from ui.trouble import on_script_error


def build(ui_settings: UiSettings) -> st.App:
    """Return the application; one per process, because Streamlit keeps its configuration in the process."""
    settings.configure(ui_settings)
    return st.App(
        Path(__file__).parent / "main.py",
        routes=routes(),
        middleware=[Middleware(Guard)],
        on_script_error=on_script_error,
    )


def serve(ui_settings: UiSettings) -> None:
    """Serve the pages until told to stop."""
    build(ui_settings).run(config=look.options(ui_settings))
