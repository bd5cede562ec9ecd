"""How calls are told to people."""

from __future__ import annotations

from assistant.orchestration import tell
from assistant.orchestration.session import Called
from skills.types import SkillResult


def test_a_step_of_a_call_that_waits_says_so_however_long_the_call_is() -> None:
    waits = Called("c", "cancel_order", {"why": "x" * 1_000}, SkillResult("ask", ""))
    said = tell.step(waits, str)
    assert said.startswith("Waits for your approval: cancel_order(") and len(said) == 300
    done = Called("c", "cancel_order", {"order": "A-1"}, SkillResult("ok", "Cancelled."))
    assert tell.step(done, str) == 'cancel_order(order="A-1") → Cancelled.'
