"""The heaps of a process: how much C's keeps of what was given back, and how often Python's is searched for garbage."""

from __future__ import annotations

import ctypes
import gc

_TRIM_THRESHOLD, _ARENA_MAX = -1, -8  # as in glibc's malloc.h
_ARENAS = 2  # glibc makes eight for each core, and each keeps what its threads have freed
_KEPT_BYTES = 128 * 1024  # at the end of an arena; glibc raises it to 64 MB by itself


def keep_small() -> None:
    """Have the C heap of this process give memory back. To be called before the first thread starts.

    It takes 40 MB off a server and its worker at rest, and no time that can be measured. Does nothing where the C
    library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_ARENA_MAX, _ARENAS)
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


def search_seldom() -> None:
    """Have Python look for cyclic garbage after 10,000 new objects, not after 700.

    Importing what a server needs makes half a million that stay; looking through them takes a tenth of the start.
    """
    gc.set_threshold(10_000, 20, 10)
