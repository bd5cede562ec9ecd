"""The script that Streamlit runs for each page view: who is here, where they may go, and the page they chose."""

from __future__ import annotations

from ui import shell, state, trouble
from ui.errors import UiError


def main() -> None:
    """Draw the chosen page inside the shell."""
    shell.set_up()
    if state.token() is None:
        trouble.leave()
    try:
        page = shell.navigate(state.me())
        trouble.tell_pending()
        page.run()
    except UiError as error:
        trouble.show(error)


main()
