"""Imported first by processes that nobody watches in a terminal: their libraries leave out what draws there.

structlog, httpx and mako import rich and pygments where these are installed, 7 to 9 MB in a process. All three do
without where they are not, which is what None in `sys.modules` says to whoever imports them. Commands draw, and import
the same files: there nothing is left out.
"""

from __future__ import annotations

import sys

_DRAWING = ("rich", "pygments", "httpx._main")
_PROCESSES = ("assistant.serve", "assistant.work")

_main = getattr(sys.modules["__main__"], "__spec__", None)  # as `python -m` leaves it
if _main is not None and _main.name in _PROCESSES:
    for _name in _DRAWING:
        sys.modules.setdefault(_name, None)  # type: ignore[arg-type]  # documented, though typed as modules only
