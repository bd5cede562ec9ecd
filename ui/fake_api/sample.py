"""A furnished world: a small company with a handbook and a support desk. For screenshots and for trying out."""

from __future__ import annotations

import time
from pathlib import Path

from ui.fake_api import gallery
from ui.fake_api.answering import made_up
from ui.fake_api.records import FakeCollection, FakeConversation, FakeNote, FakeSkill, FakeTurn, FakeUser, new_id
from ui.fake_api.world import Script, World

DAY_S = 86_400.0
_FOLDER = Path(__file__).parent / "documents"


def furnish(world: World) -> FakeUser:
    """Fill `world` and return its administrator, "Ada" with the password "analytical-engine"."""
    ada = world.add_user("Ada", "analytical-engine", is_admin=True)
    world.add_user("Ben", "difference-engine", groups=("support",))
    world.add_user("Cleo", "long-enough-word", groups=("people", "managers"))
    handbook = world.add_collection("Handbook", ("everyone",), "How we work: leave, travel, first weeks.")
    support = world.add_collection("Support", ("group:support",), "Answers for customers: returns, warranty, repairs.")
    board = world.add_collection("Board papers", ("group:managers",), "Minutes and figures, for managers only.")
    world.add_document(handbook, "people/Parental leave.pdf", _text("parental-leave"), "Ada")
    world.add_document(handbook, "people/Travel and expenses.docx", _text("travel-and-expenses"), "Ada")
    world.add_document(handbook, "Information security.md", _text("information-security"), "Ada")
    world.add_document(handbook, "people/Onboarding.pptx", _text("onboarding"), "Cleo")
    world.add_document(support, "Returns and warranty.md", _text("returns-and-warranty"), "Ben")
    world.add_document(board, "2026-Q3 minutes.pdf", "# Decisions\n\nThe board approved the budget for 2027.", "Cleo")
    _unfinished(world)
    _script(world)
    _skills(world)
    _past(world, ada)
    _written(world, ada)
    _for_visitors(world, handbook)
    _gallery(world, handbook)
    return ada


def rewind(world: World) -> None:
    """Put the two documents that are being read back to where they were: one in the middle, one at its beginning."""
    for document in world.documents.values():
        if document.reading_s:
            document.started_at = time.time() - (110.0 if document.reading_s < 1_000 else 0.0)


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def _unfinished(world: World) -> None:
    handbook = next(iter(world.collections.values()))
    reading = world.add_document(handbook, "archive/Works agreement 2019 (scan).pdf", "Scanned pages.\n\n" * 40, "Ada")
    reading.reading_s = 240.0
    waiting = world.add_document(handbook, "archive/Works agreement 2021 (scan).pdf", "Scanned pages.\n\n" * 40, "Ada")
    waiting.reading_s = 2_000.0
    rewind(world)
    broken = world.add_document(handbook, "people/Salary bands.xlsx", "", "Cleo")
    broken.reason = "The file is protected by a password. Save it without one and upload it again."
    sizes = {"Parental leave.pdf": 48_230, "Onboarding.pptx": 1_204_800, "Travel and expenses.docx": 61_440}
    for document in world.documents.values():
        document.content = document.content + b" " * max(0, sizes.get(document.title, 0) - len(document.content))


def _script(world: World) -> None:
    world.scripts.append(
        Script(
            asked="parental leave",
            text=(
                "Every employee who becomes a parent may take **26 weeks** of parental leave at full pay [1]. It may "
                "begin up to four weeks before the expected date and must be taken within 18 months [1].\n\n"
                "- Tell your manager and the people team at least eight weeks before [2].\n"
                "- You may split it into up to three blocks of at least four weeks each [3]."
            ),
            cite=3,
        )
    )


def _skills(world: World) -> None:
    text: dict[str, object] = {"type": "string"}

    def parameters(*names: str) -> dict[str, object]:
        return {"type": "object", "properties": dict.fromkeys(names, text), "required": list(names)}

    for skill in (
        FakeSkill("calculate", "Calculate an arithmetic expression exactly.", "builtin:calculator",
                  parameters=parameters("expression"), result="397.8"),
        FakeSkill("stock_price", "Look up the current price of a stock by its ticker symbol.", "builtin:quotes",
                  parameters=parameters("symbol"), result='{"symbol": "NVDA", "price": 141.9, "currency": "USD"}'),
        FakeSkill("create_ticket", "Open a support ticket in the name of the person who asks.", "builtin:tickets",
                  "write", parameters=parameters("title", "description"), result="Ticket 7 is open."),
        FakeSkill("my_tickets", "List the support tickets of the person who asks.", "builtin:tickets"),
        FakeSkill("order_status", "Tell where an order is and when it should arrive.", "python:orders.py",
                  readers=["group:support"], parameters=parameters("order_id"), result="On its way."),
    ):  # fmt: skip
        world.skills[skill.name] = skill
    world.files["orders.py"] = ["order_status"]
    arguments: dict[str, object] = {"title": "Printer broken", "description": "The printer on floor 3 does not print."}
    asked = "This needs your approval, and nothing has been done yet."
    world.scripts.append(Script(asked="open a ticket", text=asked, calls=("create_ticket", arguments)))


def _written(world: World, ada: FakeUser) -> None:
    for text, kind, status in (
        ("My office is in Graz", "fact", "kept"),
        ("Answer in short sentences", "preference", "kept"),
        ("My locker number is 17", "fact", "kept"),
        ("My team is Harbour Logistics", "fact", "suggested"),
    ):
        note = FakeNote(ada.id, text, kind, status)
        world.notes[note.id] = note
    prompt = world.prompts["grounded_answer"]
    prompt.texts.append(prompt.texts[0].replace("numbered", "given"))


def _past(world: World, ada: FakeUser) -> None:
    asked = (
        ("How long is parental leave, and may I split it?", 0.01, False),
        ("Until when may a customer return goods?", 0.2, True),
        ("How do I report a lost laptop?", 1.0, False),
        ("What is paid for a hotel in London?", 3.2, False),
        ("How long is the trial period?", 12.0, False),
        ("Which systems may hold customer data?", 48.0, False),
    )
    for question, days_ago, pinned in asked:
        moment = time.time() - days_ago * DAY_S
        conversation = FakeConversation(owner=ada.id, title=question, pinned=pinned, updated_at=moment)
        conversation.folder = "Travel" if "hotel" in question else ""
        answer = made_up(world, world.readable(ada), question)
        turn = FakeTurn(question=question, parent=None, answer=answer, status="done", created_at=moment)
        if "trial period" in question:
            turn.rating, turn.reason, turn.rated_at = "down", "Incomplete", moment + 60
            turn.comment = "It does not say what holds in the second month."
        if "laptop" in question:
            turn.rating, turn.rated_at = "up", moment + 60
        conversation.turns[turn.id] = turn
        conversation.head = turn.id
        world.conversations[conversation.id] = conversation


def _for_visitors(world: World, handbook: FakeCollection) -> None:
    """Add an answer that an administrator wrote, a widget, and a shared chat under the id "sample"."""
    source = next(chunk for one in world.documents.values() if one.collection_id == handbook.id for chunk in one.chunks)
    answer = "Every parent may take 26 weeks at full pay [1]."
    world.write_curated(new_id(), ["How long is parental leave?"], answer, [source.id], ["everyone"], given=41)
    world.add_widget("Help on the shop's pages", {"origins": ["https://www.example.com"]}, enabled=True)
    shared = next(iter(world.conversations.values()))
    turns = [{"question": turn.question, "answer": turn.answer} for turn in shared.line()]
    about = {"conversation": shared.id, "title": shared.title, "by": "Ada", "created_at": time.time()}
    world.shared["sample"] = {**about, "turns": turns}


def _gallery(world: World, handbook: FakeCollection) -> None:
    """Add assistants of two people."""
    ada, ben = (next(user for user in world.users.values() if user.name == name) for name in ("Ada", "Ben"))
    leave: dict[str, object] = {
        "name": "Leave guide", "description": "Parental leave, holidays and sick days, from the handbook alone.",
        "icon": "school", "colour": "green", "collections": [handbook.id], "readers": ["everyone"],
        "questions": ["How long is parental leave?"],
    }  # fmt: skip
    letters: dict[str, object] = {
        "name": "Plain letters", "description": "Turns notes into a short, friendly letter to a customer.",
        "icon": "edit_note", "colour": "violet", "grounded": False, "readers": ["everyone"],
    }  # fmt: skip
    gallery.write(world, ada, new_id(), leave, 201)
    gallery.write(world, ben, new_id(), letters, 201)
