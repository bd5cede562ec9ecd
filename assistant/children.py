"""Processes that must not outlive the one that started them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence


def ends_with_us(command: Sequence[str]) -> list[str]:
    """Return `command` so that the kernel ends it with SIGTERM when the thread that starts it ends, however it ends.

    By setpriv(1) of util-linux; where it is missing, the command itself, which then ends only if it is told to.
    """
    guard = [path, "--pdeathsig", "TERM", "--"] if (path := shutil.which("setpriv")) else []
    return [*guard, *command]
