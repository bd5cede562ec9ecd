"""The planner: asks a model for the steps of a task, and for other ones when a step failed."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.models.types import ChatModel, ModelRequest, Sampling
from assistant.orchestration.notes import Notes
from assistant.orchestration.plan import SCHEMA, Plan, PlanStep, read, so_far
from assistant.orchestration.prompts import ChatPrompt, Message, load_chat
from skills.types import Skill

_PLAN_TOKENS = 500
_STEP_TOKENS = 300
_ABOUT_CHARACTERS = 160


class Planner:
    """Plans tasks, and words what their steps and their end ask of a model."""

    def __init__(self) -> None:
        """Use the prompts that ship."""
        self._task = load_chat("plan_task")
        self._step = load_chat("plan_step")
        self.answer = load_chat("plan_answer")

    async def plan(
        self, model: ChatModel, notes: Notes, task: str, skills: Sequence[Skill], known: Plan = (), marker: str = ""
    ) -> Plan:
        """Return the steps of `task`, those that go on from `known` ones; () when the model gives no usable plan.

        Raises what the model raises.
        """
        lines = "\n".join(f"- {skill.name}: {skill.description[:_ABOUT_CHARACTERS]}" for skill in skills)
        first = str(max((step.n for step in known), default=0) + 1)
        text = self._task.filled(skills=lines, question=task, so_far=so_far(known, marker), first=first)
        sampling = Sampling(max_tokens=_PLAN_TOKENS, json_schema=SCHEMA)
        reply = ""
        async for piece in model.stream(_request(self._task, text, sampling, notes)):
            reply += piece.text
        return read(reply, known)

    def step(self, notes: Notes, task: str, step: PlanStep, plan: Plan, marker: str) -> ModelRequest:
        """Return the request that carries out `step`: it is told of the steps whose results it needs, and no others."""
        needed = tuple(each for each in plan if each.n in step.after)
        text = self._step.filled(question=task, so_far=so_far(needed, marker), step=step.do)
        return _request(self._step, text, Sampling(max_tokens=_STEP_TOKENS), notes)

    def ending(self, notes: Notes, task: str, plan: Plan, marker: str) -> ModelRequest:
        """Return the request for the answer, from what all steps came to."""
        text = self.answer.filled(question=task, so_far=so_far(plan, marker))
        return _request(self.answer, text, notes.turn.options.sampling, notes)


def _request(prompt: ChatPrompt, text: str, sampling: Sampling, notes: Notes) -> ModelRequest:
    messages = (Message("system", prompt.system), Message("user", text))
    salt = notes.turn.caller.scope.fingerprint
    return ModelRequest(messages, sampling, request_id=notes.turn.id, cache_salt=salt, task=prompt.name)
