"""Structured logs: one JSON object per line on stderr, so that nothing in a value can forge a line.

Questions, answers, passwords and tokens are never log values; code logs ids, counts and durations. As a second line of
defence, values under names that sound secret, and anything shaped like one of our tokens, are blanked.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAMES = re.compile(r"password|secret|token|authorization|api_?key|cookie", re.IGNORECASE)
_TOKENS = re.compile(r"\b(ses|key|set|loc)_[A-Za-z0-9_-]{16,}")
_BLANK = "[hidden]"


def configure(level: str) -> None:
    """Write log lines of `level` and above as JSON to stderr; libraries' own logging goes the same way."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel(level.upper())
    # These two describe each request with its full address, ids included; our own access line replaces them.
    for name in ("uvicorn.access", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)


def log(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger; `event` is a fixed phrase, everything that varies goes into named values."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def hide_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return the entry with values that must not be written replaced; texts are cut at 4,000 characters."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name):
            event[name] = _BLANK
        elif isinstance(value, str):
            event[name] = _TOKENS.sub(_BLANK, value)[:4_000]
    return event
