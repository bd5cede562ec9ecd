"""The page about skills and the card of a call that waits, in process against the stand-in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.fake_api import FakeApi, World
from ui.fake_api.long_call import FakeLongCall
from ui.fake_api.records import FakeApproval, FakeSkill
from ui.fake_api.world import Script
from ui.skills import approval, calls, cards, running, sources, words
from ui.wire import Approval, LongCall, Skill, SkillCallLine, SkillSource, User

from .conftest import user
from .test_pages import ask, drawn, labels, press, shown

OpenPage = Callable[..., AppTest]
TITLE: dict[str, object] = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}


@pytest.fixture(autouse=True)
def skills(world: World) -> None:
    world.skills["create_ticket"] = FakeSkill("create_ticket", "Open a ticket.", "builtin:tickets", "write",
                                              parameters=TITLE, result="Ticket 7 is open.")  # fmt: skip
    world.skills["calculate"] = FakeSkill("calculate", "Calculate exactly.", parameters=TITLE, result="42")
    world.skills["spy"] = FakeSkill("spy", "Reads secrets.", readers=["group:spies"])


def test_shows_a_person_what_they_may_use_and_nothing_to_change(open_page: OpenPage) -> None:
    app = open_page("ben", "skills")
    assert not app.exception
    assert "calculate" in shown(app).replace("\\", "") and "spy" not in shown(app)
    assert [tab.label for tab in app.tabs] == ["Skills", "Your approvals", "Running calls"]
    admin = open_page("ada", "skills")
    assert not admin.exception and "spy" in shown(admin) and len(admin.tabs) == 6


@pytest.mark.parametrize("tab", ["Your approvals", "Running calls", "Sources", "Secrets", "Recent calls"])
def test_every_tab_can_be_drawn(open_page: OpenPage, world: World, tab: str) -> None:
    world.calls.append(
        {"at": 1.0, "skill": "spy", "user_id": "x", "arguments": {"a": 1}, "status": "ok", "text": "<b>"}
    )
    world.files["orders.py"] = ["calculate"]
    world.secrets["shop"] = "s3cret"
    app = open_page("ada", "skills", query={"skills-tab": tab})
    assert not app.exception and "s3cret" not in shown(app)
    expected = {
        "Your approvals": "waits here",
        "Running calls": "take minutes",
        "Sources": "Add skills",
        "Secrets": "shop",
        "Recent calls": "",
    }
    assert expected[tab] in shown(app)


def test_shows_how_far_a_call_is_and_cancels_it_alone(open_page: OpenPage, world: World) -> None:
    ben, ada = user(world, "ben"), user(world, "ada")
    world.long_calls += [
        FakeLongCall(ben.id, "export", {"year": 2025}, done=0.4, note="12 of 30 pages"),
        FakeLongCall(ben.id, "import", state="interrupted"),
        FakeLongCall(ada.id, "audit"),
    ]
    app = open_page("ben", "skills", query={"skills-tab": "Running calls"})
    assert not app.exception and "audit" not in shown(app) and "check by hand" in shown(app)
    press(app, "Cancel this call")
    assert [call.state for call in world.long_calls] == ["cancelled", "interrupted", "running"]
    assert running.how_far(LongCall(id="x", skill="y", done=0.4, note="12 of 30")) == "40 %, 12 of 30"


class Ending(FakeLongCall):
    """A call that is done when it is looked at for the second time."""

    looks = 0

    def json(self) -> dict[str, object]:
        self.looks += 1
        self.state = "running" if self.looks == 1 else "done"
        return super().json()


def test_looks_no_more_when_no_call_runs(open_page: OpenPage, world: World) -> None:
    call = Ending(user(world, "ben").id, "export")
    world.long_calls.append(call)
    app = open_page("ben", "skills", query={"skills-tab": "Running calls"})
    assert not app.exception and "is done" in shown(app)
    assert call.looks == 3  # the page, the part that looks by itself, and the page without that part


@pytest.mark.parametrize(("button", "state"), [("Approve", "done"), ("Refuse", "refused")])
def test_asks_in_the_chat_and_carries_the_decision_out(
    open_page: OpenPage, world: World, button: str, state: str
) -> None:
    world.scripts.append(
        Script("open a ticket", "This needs your approval.", calls=("create_ticket", {"title": "Printer"}))
    )
    app = ask(open_page("ben"), "Please open a ticket")
    assert not app.exception and {"Approve", "Refuse"} <= set(labels(app))
    assert "title: Printer" in [text.value for text in app.text]  # on the card, and there alone
    assert "type yes or no" in shown(app)
    (answer,) = drawn(app, "answer-")
    assert answer["headline"] == "Waits for your approval: create_ticket" and "Printer" not in str(answer["blocks"])
    press(app, button)
    assert not app.exception and "Approve" not in labels(app)
    (decided,) = world.approvals.values()
    assert decided.state == state
    assert ("Ticket 7 is open." in shown(app)) == (state == "done")


@pytest.mark.parametrize(("said", "state"), [("Yes", "done"), ("no", "refused")])
def test_a_typed_word_decides_in_place_of_the_buttons(open_page: OpenPage, world: World, said: str, state: str) -> None:
    world.scripts.append(
        Script("open a ticket", "This needs your approval.", calls=("create_ticket", {"title": "Printer"}))
    )
    app = ask(ask(open_page("ben"), "Please open a ticket"), said)
    (decided,) = world.approvals.values()
    assert not app.exception and decided.state == state and "Approve" not in labels(app)
    assert len(drawn(app, "answer-")) == 1  # the answer that waited goes on; there is no second one
    assert ("Ticket 7 is open." in shown(app)) == (state == "done")


def test_what_waits_elsewhere_is_decided_on_the_page(open_page: OpenPage, world: World, fake: FakeApi) -> None:
    mine = FakeApproval(user(world, "ben").id, "create_ticket", {"title": "Printer"}, question="Open a ticket")
    world.approvals[mine.id] = mine
    foreign = FakeApproval(user(world, "ada").id, "create_ticket", {"title": "Raise"})
    world.approvals[foreign.id] = foreign
    app = open_page("ben", "skills", query={"skills-tab": "Your approvals"})
    assert "type yes or no" not in shown(app)  # there is no chat here
    assert "Printer" in shown(app) and "Raise" not in shown(app) and "Just now, for: Open a ticket" in _words(app)
    press(app, "Approve")
    assert mine.state == "done" and foreign.state == "waiting"
    assert "was run after your approval" in shown(app) and "title: Printer" in shown(app)
    assert "for: Open a ticket" in _words(app)


def _words(app: AppTest) -> str:
    return shown(app).replace("\\", "")


def test_puts_calls_into_words() -> None:
    waits = Approval(id="a", skill="pay", arguments={"to": "Ann", "sum": 3, "why": ["x"]}, expires_at=100.0)
    assert approval.written(waits) == 'to: Ann\nsum: 3\nwhy: ["x"]'
    assert approval.written(Approval(id="a", skill="pay")) == "without arguments"
    assert approval.shown_state(waits, 99.0) == "waiting" and approval.shown_state(waits, 100.0) == "expired"
    line = SkillCallLine(at=0.0, skill="pay", user_id="u", status="ok", approved=True, ms=3.2)
    assert calls.row(line, [User(id="u", name="Ann")])["Came to"] == "Done, approved"
    assert sources.state_of(SkillSource(source="x", skills=1)) == "1 skill"
    assert sources.state_of(SkillSource(source="x", ok=False, problem="It does not answer.")) == "It does not answer."


def test_offers_what_may_be_done_with_a_skill() -> None:
    off = Skill(name="a", enabled=False)
    assert cards.actions(off, User(id="u", name="Ann", is_admin=True)) == ["Access", "Switch on"]
    assert cards.actions(off, User(id="u", name="Ben")) == []


def test_the_log_of_calls_shows_text_as_it_is() -> None:
    line = SkillCallLine(skill="mcp_add", user_id="a_b", arguments={"a": "*1*"}, text="# 3\u202e\n|")
    found = calls.row(line, [])
    assert (found["Skill"], found["Who"], found["Arguments"]) == ("mcp_add", "a_b", '{"a": "*1*"}')
    assert found["Result"] == "# 3\ufffd |"


def test_says_in_words_what_a_skill_is() -> None:
    assert words.title("create_ticket") == "Create ticket" and words.title("_") == "_"
    said = "Add a pet.<br/>It is <b>sold</b> &amp; gone if a < b. For example: Add a dog."
    assert words.sentence(said) == "Add a pet." and words.about(said) == "Add a pet. It is sold & gone if a < b."
    places = ("python:orders.py", "openapi:shop", "mcp:wiki", "skill.md:triage", "builtin:tickets")
    assert tuple(words.kind(place) for place in places) == words.KINDS


def test_shows_skills_by_kind(open_page: OpenPage, world: World) -> None:
    world.skills["find_pet"] = FakeSkill("find_pet", "Find a pet.<br>By name.", "openapi:shop")
    app = open_page("ben", "skills")
    assert "Find pet" in shown(app) and "Create ticket" in shown(app) and "<br>" not in shown(app)
    kinds = app.segmented_control[0]
    assert kinds.options == ["All (3)", "Python (0)", "OpenAPI (1)", "MCP (0)", "SKILL.md (0)", "Built-in (2)"]
    kinds.set_value("OpenAPI").run()
    assert "Find pet" in shown(app) and "Create ticket" not in shown(app)
    app.segmented_control[0].set_value("MCP").run()
    assert not app.exception and "None is open to you" in shown(app)


def test_says_that_a_source_is_being_connected_to() -> None:
    waits = SkillSource(source="mcp:far", connecting=True)
    assert "Connecting" in sources.state_of(waits) and sources.icon_of(waits) == ":material/hourglass_top:"
    again = SkillSource(source="mcp:far", connecting=True, ok=False, problem="It did not speak MCP within 20 s.")
    assert "within 20 s" in sources.state_of(again) and sources.icon_of(again) == ":material/hourglass_top:"
