"""How long transcripts are kept: a sweep of the worker deletes those that their widget keeps no longer."""

from __future__ import annotations

import threading

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assistant.logs import log
from assistant.widgets import registry, transcripts, visitors

SWEEP_S = 3_600.0
_log = log("widgets")


def sweep(engine: Engine) -> int:
    """Delete every transcript that is older than its widget keeps them, and visits that ended; returns how many.

    The count is that of transcripts.
    """
    deleted = 0
    for widget in registry.all_of(engine):
        if widget.profile.keep_days:
            deleted += transcripts.sweep(engine, widget.id, widget.profile.keep_days)
    visitors.sweep(engine)
    return deleted


def keep(engine: Engine, stop: threading.Event, every_s: float = SWEEP_S) -> None:
    """Sweep now and every `every_s` until `stop` is set; a database that does not answer is asked again then."""
    while True:
        try:
            deleted = sweep(engine)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("transcripts could not be swept", error=type(error).__name__)
        else:
            if deleted:
                _log.info("old transcripts were deleted", transcripts=deleted)
        if stop.wait(every_s):
            return
