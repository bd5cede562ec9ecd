"""The hook against floods of anonymous visitors: a task that costs a browser a second and us nothing.

`Challenge` is the seam; a site that runs a CAPTCHA of its own puts that in its place. `Work` asks for a number whose
SHA-256 together with the task begins with zero bits, and asks nobody else.
"""

from __future__ import annotations

import hashlib
import secrets as random
import time
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from assistant.secret_file import Secrets
from assistant.widgets import spent

GOOD_FOR_S = 300.0


class Challenge(Protocol):
    """Sets tasks and checks solutions."""

    @property
    def bits(self) -> int:
        """Return how many leading zero bits a solution needs; more is harder."""
        ...

    def task(self, widget_id: str) -> str:
        """Return a new task."""
        ...

    def solved(self, widget_id: str, task: str, solution: str) -> bool:
        """Return whether that is a solution of a task of ours that is still good and was not used before."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """Proof of work."""

    engine: Engine
    secrets: Secrets
    bits: int = 15  # 2**15 hashes on average: about half a second in a browser

    def task(self, widget_id: str) -> str:
        """Return `<expiry>.<random>.<signature>`; nothing is stored until it is solved."""
        bare = f"{int(time.time() + GOOD_FOR_S)}.{random.token_hex(8)}"
        return f"{bare}.{self._signature(widget_id, bare)}"

    def solved(self, widget_id: str, task: str, solution: str) -> bool:
        """Return whether SHA-256 of `<task>:<solution>` begins with enough zero bits, for a good task, once."""
        bare, _, signature = task.rpartition(".")
        expiry = bare.partition(".")[0]
        if not random.compare_digest(signature.encode(), self._signature(widget_id, bare).encode()):
            return False
        if not expiry.isdigit() or int(expiry) < time.time() or len(solution) > 20:
            return False
        found = hashlib.sha256(f"{task}:{solution}".encode()).digest()
        if int.from_bytes(found, "big") >> (256 - self.bits):
            return False
        return spent.spend(self.engine, self.secrets, f"{widget_id}:task:{task}", float(expiry))

    def _signature(self, widget_id: str, bare: str) -> str:
        return self.secrets.digest(f"widget-task:{widget_id}:{bare}")[:32]
