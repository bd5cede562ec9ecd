"""Chroma without the library that would send its traces elsewhere: 10 MB and half a second of imports.

It imports an exporter over gRPC for tracing that is off unless a setting names a collector, which no setting of ours
does. In its place stands, for as long as Chroma is imported, a module without anything; who imports the exporter later
gets the real one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_EXPORTER = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"


@contextmanager
def without_exporter() -> Iterator[None]:
    """Let Chroma be imported inside the block without its exporter; nothing happens where that is there already."""
    if _EXPORTER in sys.modules:
        yield
        return
    stand_in = ModuleType(_EXPORTER)
    stand_in.OTLPSpanExporter = None  # type: ignore[attr-defined]  # looked at only when a collector is named
    sys.modules[_EXPORTER] = stand_in
    try:
        yield
    finally:
        sys.modules.pop(_EXPORTER, None)
