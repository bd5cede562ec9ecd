"""The HTTP API's calls about a person's memory and about prompts, as one method per thing that the pages do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from ui.transport import Transport
from ui.wire.curated import Curated, Draft
from ui.wire.memory import GroupMemory, Memory, Note
from ui.wire.prompts import Command, Prompt, PromptEntry, PromptVersion, ReadCommand, Reply, Trial
from ui.wire.ratings import RatingsPage


class Authoring(Transport):
    """What people write for the assistant: notes about themselves, answers to frequent questions, and prompts."""

    def memory(self) -> Memory:
        """Return everything that is remembered of the caller."""
        return self.read(Memory, "/api/memory")

    def add_note(self, text: str) -> list[str]:
        """Remember something; return the older notes whose place it took."""
        return [str(one) for one in self.send("POST", "/api/memory", json={"text": text}).json().get("replaces", ())]

    def change_note(self, note_id: str, changes: Mapping[str, object]) -> Note:
        """Change some of: text, kind; or keep a suggestion."""
        return self.parse(Note, self.send("PATCH", f"/api/memory/{note_id}", json=dict(changes)))

    def delete_note(self, note_id: str) -> None:
        """Delete a note or dismiss a suggestion."""
        self.send("DELETE", f"/api/memory/{note_id}")

    def forget_me(self) -> None:
        """Delete everything that is remembered of the caller."""
        self.send("DELETE", "/api/memory")

    def switch_memory(self, on: bool) -> None:
        """Switch memory on or off for the caller."""
        self.send("PUT", "/api/memory/switch", json={"on": on})

    def group_memory(self) -> list[GroupMemory]:
        """Return what the caller's groups remember."""
        return self.read_list(GroupMemory, "/api/group-memory", "groups")

    def add_group_note(self, group: str, text: str) -> None:
        """Remember something for a group."""
        self.send("POST", f"/api/group-memory/{quote(group, safe='')}", json={"text": text})

    def delete_group_note(self, group: str, note_id: str) -> None:
        """Delete a note for all members."""
        self.send("DELETE", f"/api/group-memory/{quote(group, safe='')}/{note_id}")

    def curated(self) -> list[Curated]:
        """Return all curated answers, the latest first (administrators only, as everything about them)."""
        return self.read_list(Curated, "/api/curated", "curated")

    def write_curated(self, curated_id: str | None, draft: Draft) -> None:
        """Write a curated answer, a new one or one anew."""
        body = {
            "questions": list(draft.questions),
            "answer": draft.answer,
            "sources": list(draft.sources),
            "readers": list(draft.readers),
            "enabled": draft.enabled,
        }
        self.send(
            "PUT" if curated_id else "POST", f"/api/curated/{curated_id}" if curated_id else "/api/curated", json=body
        )

    def delete_curated(self, curated_id: str) -> None:
        """Delete a curated answer."""
        self.send("DELETE", f"/api/curated/{curated_id}")

    def ratings(self, rating: str | None, before: str | None, limit: int) -> RatingsPage:
        """Return rated answers, the newest rating first (administrators only); `rating` is "up", "down" or None."""
        return self.read(RatingsPage, "/api/feedback", {"rating": rating, "before": before, "limit": limit})

    def read_command(self, text: str) -> list[Command]:
        """Return the prompts that a question may begin with where `text` asks for them; empty for a question.

        A name that no prompt has is an ApiRefused that names the nearest.
        """
        return list(self.parse(ReadCommand, self.send("POST", "/api/commands", json={"text": text})).commands)

    def prompts(self) -> list[PromptEntry]:
        """Return every prompt with its live version."""
        return self.read_list(PromptEntry, "/api/prompts", "prompts")

    def prompt(self, name: str) -> Prompt:
        """Return a prompt with its live text and its history."""
        return self.read(Prompt, f"/api/prompts/{name}")

    def prompt_text(self, name: str, n: int) -> str:
        """Return the YAML of a version."""
        return str(self.read_object(f"/api/prompts/{name}/versions/{n}").get("text") or "")

    def prompt_diff(self, name: str, old: int, new: int) -> str:
        """Return what changed between two versions; "" when nothing did."""
        return str(self.read_object(f"/api/prompts/{name}/diff", {"old": old, "new": new}).get("diff") or "")

    def add_prompt_version(self, name: str, text: str, note: str) -> PromptVersion:
        """Store a new version."""
        body = {"text": text, "note": note}
        return self.parse(PromptVersion, self.send("POST", f"/api/prompts/{name}/versions", json=body))

    def publish_prompt(self, name: str, n: int) -> None:
        """Make a version live."""
        self.send("POST", f"/api/prompts/{name}/publish", json={"n": n})

    def roll_prompt_back(self, name: str) -> None:
        """Make the version live that was so before."""
        self.send("POST", f"/api/prompts/{name}/rollback")

    def try_prompt(self, name: str, n: int, question: str) -> dict[str, Reply]:
        """Return the answers with what is live and with a version: "live", "candidate"."""
        path = f"/api/prompts/{name}/versions/{n}/try"
        return self.parse(dict[str, Reply], self.send_slowly("POST", path, {"question": question}))

    def measure_prompt(self, name: str, n: int, questions: Sequence[Mapping[str, object]]) -> Trial:
        """Begin to measure a version on a test set."""
        body = {"questions": [dict(question) for question in questions]}
        return self.parse(Trial, self.send("POST", f"/api/prompts/{name}/versions/{n}/evaluate", json=body))

    def trial(self, trial_id: str) -> Trial:
        """Return how far a measurement has come."""
        return self.read(Trial, f"/api/prompt-evaluations/{trial_id}")
