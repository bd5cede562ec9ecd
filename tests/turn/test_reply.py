"""An answer that the door already knows is given as it is: nothing is searched, no model is asked."""

from __future__ import annotations

from typing import Any

from assistant.orchestration.fake import ListSearch


async def test_a_reply_of_the_door_is_the_answer(bench: Any) -> None:
    made = bench("Rouen [1].")
    ran = await made.ask("yes", reply="2 calls wait for you.")
    assert ran.text == ran.answer.text == "2 calls wait for you." and not ran.answer.citations
    assert isinstance(made.search, ListSearch) and not ran.steps and len(made.records.records) == 1
