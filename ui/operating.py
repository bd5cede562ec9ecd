"""The part of the API by which skills, widgets and models are operated; `ui/client.py` adds the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ui import wire
from ui.authoring import Authoring
from ui.wire.models import LearnedPolicies, Side

_BYTES = "application/octet-stream"


class Operating(Authoring):
    """Calls in the name of one person. Every method raises ApiUnreachable, SignedOut or ApiRefused."""

    # --- skills ---------------------------------------------------------------------------------------------------

    def skills(self) -> list[wire.Skill]:
        """Return the skills that the caller may use; for administrators all of them."""
        return self.read_list(wire.Skill, "/api/skills", "skills")

    def change_skill(self, name: str, changes: Mapping[str, object]) -> None:
        """Change some of: enabled, rule, readers."""
        self.send("PATCH", f"/api/skills/{name}", json=dict(changes))

    def call_skill(self, name: str, arguments: Mapping[str, object]) -> wire.CallResult:
        """Call a skill by hand, with the caller's rights."""
        return self.parse(
            wire.CallResult, self.send("POST", f"/api/skills/{name}/call", json={"arguments": dict(arguments)})
        )

    def skill_sources(self) -> list[wire.SkillSource]:
        """Return where skills come from."""
        return self.read_list(wire.SkillSource, "/api/skill-sources", "sources")

    def add_skill_source(self, name: str, kind: str, address: str, options: Mapping[str, object]) -> None:
        """Add an OpenAPI document ("openapi") or an MCP server ("mcp") by its address."""
        body = {"name": name, "kind": kind, "address": address, "options": dict(options)}
        self.send("POST", "/api/skill-sources", json=body)

    def add_skill_files(self, name: str, files: Mapping[str, str]) -> None:
        """Add a module, a document, an entry or a folder with a SKILL.md, as texts by name."""
        self.send("POST", "/api/skill-sources/files", json={"name": name, "files": dict(files)})

    def add_skill_document(self, name: str, raw: bytes, file: str, options: Mapping[str, object] | None) -> None:
        """Add an OpenAPI document, or replace that of the name; `file` is "" where it was pasted.

        Options None: as for the one that is replaced.
        """
        query: dict[str, str] = {"name": name, "file": file}
        query |= {} if options is None else {"options": json.dumps(dict(options))}
        self.send_content("/api/skill-sources/documents", raw, query, _BYTES)

    def add_skill_folder(self, name: str, packed: bytes) -> None:
        """Add a SKILL.md folder from its ZIP."""
        self.send_content("/api/skill-sources/folders", packed, {"name": name}, _BYTES)

    def test_skill_source(self, source: str) -> str:
        """Have a source loaded anew and its server asked; return what came of it, in a sentence."""
        path = f"/api/skill-sources/{source}/test"
        return self.parse(wire.TestedSource, self.send_slowly("POST", path, {})).tested

    def remove_skill_source(self, file: str) -> None:
        """Remove what was added under that name."""
        self.send("DELETE", f"/api/skill-sources/{file}")

    def approve_skill_source(self, source: str) -> None:
        """Approve the tools of an MCP server as it describes them now."""
        self.send("POST", f"/api/skill-sources/{source}/approve")

    def skill_secrets(self) -> list[str]:
        """Return the names of stored secrets."""
        found = self.read_object("/api/skill-secrets").get("secrets")
        return [str(name) for name in found] if isinstance(found, list) else []

    def put_skill_secret(self, name: str, value: str) -> None:
        """Store a secret, which nothing shows again."""
        self.send("PUT", f"/api/skill-secrets/{name}", json={"value": value})

    def remove_skill_secret(self, name: str) -> None:
        """Remove a secret."""
        self.send("DELETE", f"/api/skill-secrets/{name}")

    def skill_calls(self, limit: int) -> list[wire.SkillCallLine]:
        """Return the latest calls of everybody, newest first."""
        return self.read_list(wire.SkillCallLine, "/api/skill-calls", "calls", {"limit": limit})

    def long_calls(self) -> list[wire.LongCall]:
        """Return the caller's calls that take minutes, those that run first."""
        return self.read_list(wire.LongCall, "/api/long-calls", "calls")

    def cancel_long_call(self, call_id: str) -> None:
        """End one call that runs."""
        self.send("POST", f"/api/long-calls/{call_id}/cancel")

    def approvals(self) -> list[wire.Approval]:
        """Return the caller's calls that wait for approval, and those decided last."""
        return self.read_list(wire.Approval, "/api/approvals", "approvals")

    def decide(self, approval_id: str, approved: bool) -> wire.Approval:
        """Run a call that waits, once, or refuse it."""
        verb = "approve" if approved else "refuse"
        return self.parse(wire.Approval, self.send("POST", f"/api/approvals/{approval_id}/{verb}"))

    # --- widgets --------------------------------------------------------------------------------------------------

    def widgets(self) -> list[wire.Widget]:
        """Return all widgets (administrators only, as everything about them)."""
        return self.read_list(wire.Widget, "/api/widgets", "widgets")

    def add_widget(self, name: str, profile: Mapping[str, object]) -> wire.Widget:
        """Create a widget, switched off."""
        return self.parse(wire.Widget, self.send("POST", "/api/widgets", json={"name": name, "profile": dict(profile)}))

    def change_widget(self, widget_id: str, changes: Mapping[str, object]) -> None:
        """Change some of: name, enabled, profile (of which parts that are left out stay)."""
        self.send("PATCH", f"/api/widgets/{widget_id}", json=dict(changes))

    def delete_widget(self, widget_id: str) -> None:
        """Delete a widget with all that its visitors said."""
        self.send("DELETE", f"/api/widgets/{widget_id}")

    def add_signing_key(self, widget_id: str) -> wire.SigningKey:
        """Create a signing key and return it with its secret, which is never shown again."""
        return self.parse(wire.SigningKey, self.send("POST", f"/api/widgets/{widget_id}/keys"))

    def retire_signing_key(self, widget_id: str, key_id: str) -> None:
        """Make a signing key useless at once."""
        self.send("DELETE", f"/api/widgets/{widget_id}/keys/{key_id}")

    def visitor_talks(self, widget_id: str, limit: int) -> list[wire.VisitorTalk]:
        """Return conversations of a widget's visitors, the last used first."""
        return self.read_list(
            wire.VisitorTalk, f"/api/widgets/{widget_id}/transcripts", "transcripts", {"limit": limit}
        )

    def visitor_turns(self, widget_id: str, conversation_id: str) -> list[wire.VisitorTurn]:
        """Return one conversation of a visitor, oldest first."""
        return self.read_list(wire.VisitorTurn, f"/api/widgets/{widget_id}/transcripts/{conversation_id}", "turns")

    def delete_visitor_talk(self, widget_id: str, conversation_id: str) -> None:
        """Delete one conversation of a visitor for good."""
        self.send("DELETE", f"/api/widgets/{widget_id}/transcripts/{conversation_id}")

    def person_requests(self, widget_id: str, limit: int) -> list[wire.PersonRequest]:
        """Return the visitors' requests for a person, newest first."""
        return self.read_list(
            wire.PersonRequest, f"/api/widgets/{widget_id}/hand-overs", "hand_overs", {"limit": limit}
        )

    def send_person_request(self, widget_id: str, request_id: str) -> None:
        """Send a request for a person again."""
        self.send("POST", f"/api/widgets/{widget_id}/hand-overs/{request_id}/send")

    # --- operation ------------------------------------------------------------------------------------------------

    def status(self) -> wire.Status:
        """Return how the server is doing (administrators only)."""
        return self.read(wire.Status, "/api/status")

    # --- models ---------------------------------------------------------------------------------------------------

    def models(self) -> wire.ModelsOverview:
        """Return models, adapters, ensembles and rules (administrators only)."""
        return self.read(wire.ModelsOverview, "/api/models")

    def switch_model(self, name: str, enabled: bool) -> None:
        """Let a model or an ensemble answer, or not, for everybody."""
        self.send("PATCH", f"/api/models/{name}", json={"enabled": enabled})

    def measure_ensemble(self, name: str, questions: Sequence[Mapping[str, str]], grounded: bool) -> None:
        """Begin to ask an ensemble and each of its members the same."""
        body: dict[str, object] = {"questions": [dict(each) for each in questions], "grounded": grounded}
        self.send("POST", f"/api/models/ensembles/{name}/measure", json=body)

    def measure_speculation(self) -> None:
        """Begin to measure what guessing tokens brings each model of the vLLM server."""
        self.send("POST", "/api/models/speculation")

    def change_adapter(self, name: str, changes: Mapping[str, object]) -> None:
        """Change some of: loaded, description, examples."""
        self.send("PUT", f"/api/models/adapters/{name}", json=dict(changes))

    def set_preset(self, name: str) -> None:
        """Set how answers are worded where a request does not say."""
        self.send("PUT", "/api/models/preset", json={"preset": name})

    def policies(self) -> LearnedPolicies:
        """Return the learned policies and which one acts."""
        return self.read(LearnedPolicies, "/api/policy")

    def train_policy(self) -> None:
        """Learn a policy from past answers; it does not act."""
        self.send_slowly("POST", "/api/policy/train", {})

    def activate_policy(self, policy_id: str) -> None:
        """Let a policy act."""
        self.send("POST", "/api/policy/activate", json={"id": policy_id})

    def roll_policy_back(self) -> None:
        """Let the policy before it act, or the rules."""
        self.send("POST", "/api/policy/rollback")

    def try_models(self, question: str, models: Sequence[str], grounded: bool) -> list[Side]:
        """Return what each of `models` answers to the same question; waits for all of them."""
        body = {"question": question, "models": list(models), "grounded": grounded}
        found = self.send_slowly("POST", "/api/models/try", body).json()["answers"]
        return [Side.model_validate(side) for side in found]

    def who_answers(self, question: str) -> wire.Decision:
        """Return who would be asked a question; nobody is."""
        return self.parse(wire.Decision, self.send("POST", "/api/models/decide", json={"question": question}))
