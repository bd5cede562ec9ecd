"""The HTTP API's calls about assistants of the gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ui.transport import Transport
from ui.wire.assistants import Assistant, Choices, Imported


class Gallery(Transport):
    """Assistants that people set up and share."""

    def assistants(self, text: str = "") -> list[Assistant]:
        """Return those that the caller may use; with `text` those whose name or description holds its words."""
        return self.read_list(Assistant, "/api/assistants", "assistants", {"q": text} if text else None)

    def assistant(self, assistant_id: str) -> Assistant:
        """Return one that the caller may use."""
        return self.read(Assistant, f"/api/assistants/{assistant_id}")

    def assistant_choices(self) -> Choices:
        """Return what the caller may build one from."""
        return self.read(Choices, "/api/assistants/choices")

    def write_assistant(self, assistant_id: str | None, body: Mapping[str, object]) -> None:
        """Make an assistant, or write one anew."""
        place = f"/api/assistants/{assistant_id}" if assistant_id else "/api/assistants"
        self.send("PUT" if assistant_id else "POST", place, json=dict(body))

    def delete_assistant(self, assistant_id: str) -> None:
        """Delete one; its chats go on without it."""
        self.send("DELETE", f"/api/assistants/{assistant_id}")

    def duplicate_assistant(self, assistant_id: str) -> Assistant:
        """Make a copy of the caller's own and return it."""
        return self.parse(Assistant, self.send("POST", f"/api/assistants/{assistant_id}/duplicate"))

    def withdraw_assistant(self, assistant_id: str, withdrawn: bool) -> None:
        """Take a shared one out of the gallery, or put it back (administrators only)."""
        self.send("PUT", f"/api/assistants/{assistant_id}/withdrawn", json={"withdrawn": withdrawn})

    def export_assistants(self, ids: Sequence[str]) -> dict[str, object]:
        """Return assistants as a file; without ids all of the caller's own."""
        query = "&".join(f"id={one}" for one in ids)
        return dict(self.read_object(f"/api/assistants/export{'?' if query else ''}{query}"))

    def import_assistants(self, file: Mapping[str, object]) -> Imported:
        """Make the assistants of a file the caller's own."""
        return self.parse(Imported, self.send("POST", "/api/assistants/import", json=dict(file)))
