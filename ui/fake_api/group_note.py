"""Something that a group remembers, as the stand-in keeps it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ui.fake_api.records import FakeUser, new_id


@dataclass
class FakeGroupNote:
    """Something that a group remembers."""

    group: str
    text: str
    author: str = ""
    id: str = field(default_factory=new_id)
    updated_at: float = field(default_factory=time.time)

    def json(self, user: FakeUser) -> dict[str, object]:
        """Return the note as the API shows it."""
        when = {"created_at": self.updated_at, "updated_at": self.updated_at}
        return {"id": self.id, "group": self.group, "text": self.text, "mine": self.author == user.id, **when}
