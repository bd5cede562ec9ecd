"""semantic-kernel without Handlebars, a template language that nothing here uses.

semantic-kernel imports its compiler in any case, and that compiles a grammar while it is imported: 0.4 s of one core
and 7 MB in every start.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_COMPILER = "pybars"


@contextmanager
def left_out() -> Iterator[None]:
    """Import semantic-kernel inside: its Handlebars templates raise NotImplementedError; all others work.

    Does nothing where the compiler was imported before.
    """
    if _COMPILER in sys.modules:
        yield
        return
    sys.modules[_COMPILER] = _stand_in()
    try:
        yield
    finally:
        del sys.modules[_COMPILER]


def _stand_in() -> ModuleType:
    module = ModuleType(_COMPILER)
    vars(module).update(Compiler=_Compiler, PybarsError=_NeverRaised)
    return module


class _Compiler:
    def __init__(self) -> None:
        raise NotImplementedError("Handlebars templates are left out; use semantic-kernel's own language or Jinja.")


class _NeverRaised(Exception):
    """What semantic-kernel catches from the compiler."""
