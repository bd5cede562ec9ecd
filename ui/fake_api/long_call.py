"""A call that takes minutes, as the stand-in remembers it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ui.fake_api.records import new_id


@dataclass
class FakeLongCall:
    """A call that takes minutes."""

    owner: str
    skill: str
    arguments: dict[str, object] = field(default_factory=dict)
    state: str = "running"
    done: float | None = None
    note: str = ""
    result: str = ""
    id: str = field(default_factory=new_id)
    created_at: float = field(default_factory=time.time)

    def json(self) -> dict[str, object]:
        """Return the call as the API shows it."""
        return {
            "id": self.id,
            "skill": self.skill,
            "arguments": self.arguments,
            "state": self.state,
            "done": self.done,
            "note": self.note,
            "result": self.result,
            "turn_id": None,
            "attempts": 1,
            "created_at": self.created_at,
            "updated_at": self.created_at,
        }
