"""Speech in place of typing: a recording becomes words of the question, which the person then sees."""

from __future__ import annotations

from ui import state
from ui.client import Api
from ui.errors import ApiRefused
from ui.transport import NamedFile


def on() -> bool:
    """Return whether the server takes recordings; asked once in a tab."""
    return state.remembered("speech", lambda: state.api().speech())


def words(api: Api, typed: str, recording: NamedFile | None) -> str:
    """Return what was typed, with what was said behind it; raises ApiRefused when nothing was understood."""
    if recording is None:
        return typed
    said = api.transcribe(recording)
    if not said:
        detail = "There are no words in the recording; speak again, or type the question."
        raise ApiRefused(422, "Nothing was understood", detail, "nothing-heard")
    return f"{typed}\n{said}".strip()
