"""What is said about an answer besides its text."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime

import pytest

from ui.chat import near, view
from ui.chat.history import grouped
from ui.chat.openers import questions
from ui.chat.page import before_live
from ui.live import LiveView
from ui.wire import Answer, Approval, Citation, ConversationHead, Document, Hit, Outcome, Route, Step, Turn

SEARCH = Step(name="search", detail="Searched 2 collections, 8 passages came back.", ms=40)


def test_tells_where_was_searched_how_much_came_back_and_how_long_it_took() -> None:
    outcome = Outcome(timings_ms={"total": 1432.0}, steps=(SEARCH,))
    assert view.headline(outcome, outcome.steps) == "Searched 2 collections, 8 passages came back · 1.4 s"
    assert view.headline(Outcome(searched=("Handbook", "HR")), ()) == "Searched Handbook, HR"


def test_names_the_skills_that_were_called_before_the_search_that_found_nothing() -> None:
    call = Step(name="skill", detail='office_of(person="Ben") → Room 12', ms=90)
    assert view.headline(Outcome(), (SEARCH, call, call)) == "Called office_of · 220 ms"
    both = view.headline(Outcome(citations=(Citation(n=1, chunk="c1"),)), (SEARCH, call))
    assert both == "Searched 2 collections, 8 passages came back; called office_of · 130 ms"


def test_does_not_call_called_what_waits_for_approval_and_shows_it_once() -> None:
    asks = "Found it.\n\nThis needs your approval, and nothing has been done yet:\n\n**cancel_order**\n\n- order: A-1"
    waits = Approval(id="a", skill="cancel_order", arguments={"order": "A-1"}, expires_at=time.time() + 60)
    step = Step(name="skill", detail='Waits for your approval: cancel_order(order="A-1")', ms=90)
    answer = Answer(answer=asks, approvals=(waits,), steps=(SEARCH, step), stopped_by="tool_calls")
    shown = view.stored(answer, "?")
    assert shown["headline"] == "Waits for your approval: cancel_order"
    assert "A-1" not in json.dumps(shown["blocks"]) and "nothing has been done yet." in json.dumps(shown["blocks"])
    assert "Found it." in json.dumps(shown["blocks"])
    refused = answer.model_copy(update={"approvals": (waits.model_copy(update={"state": "refused"}),)})
    assert "alled" not in view.stored(refused, "?")["headline"]
    assert view.beside_cards(asks, Answer()) == asks


@pytest.mark.parametrize(
    ("outcome", "words", "tone"),
    [
        (Outcome(), "", "info"),
        (Outcome(notice="Another model took over."), "Another model took over.", "warn"),
        (Outcome(degraded=True), "word for word", "warn"),
        (Outcome(stopped_by="cancelled"), "You stopped", "info"),
        (Outcome(stopped_by="length"), "longest", "info"),
        (Outcome(grounded=False), "could not be checked", "warn"),
        (Outcome(grounded=False, abstained=True), "", "info"),
        (Outcome(grounded=False, route=Route(strategy="small_talk")), "", "info"),
    ],
)
def test_warns_before_an_answer_that_is_not_as_usual(outcome: Outcome, words: str, tone: str) -> None:
    said, loudness = view.notice(outcome)
    assert words in said and loudness == tone
    assert bool(said) == bool(words)


def test_draws_the_same_text_while_it_streams_and_from_history() -> None:
    citation = Citation(n=1, chunk="c1", title="handbook.md")
    text = "Leave lasts **26 weeks** [1]. ![x](https://evil.example/p.png)"
    stored = view.stored(Answer(answer=text, citations=(citation,)), "?")
    running = view.running(LiveView(question="?", text=text))
    assert stored["blocks"] == running["blocks"]
    ended = view.running(LiveView(question="?", text=text, outcome=Outcome(citations=(citation,)), finished_at=1.0))
    assert ended["blocks"] == stored["blocks"] and ended["citations"] == stored["citations"]


def test_says_what_is_being_done_while_there_is_no_text() -> None:
    assert view.running(LiveView(question="?"))["headline"] == "Searching your documents"
    assert view.running(LiveView(question="?", steps=(SEARCH,)))["headline"] == SEARCH.detail
    assert view.running(LiveView(question="?", waiting="Reading a.pdf: 40 %"))["headline"] == "Reading a.pdf: 40 %"
    assert view.running(LiveView(question="?", text="So"))["headline"] == "Writing"


def test_offers_the_closest_passages_of_an_abstention_only() -> None:
    near = (Hit(chunk="c", title="handbook.md", quote="Leave lasts"),)
    assert view.stored(Answer(answer="No.", abstained=True, nearest=near), "?")["nearest"][0]["best"] == "Leave lasts"
    assert view.stored(Answer(answer="Yes.", nearest=near), "?")["nearest"] == []


def test_marks_the_sentence_of_a_passage_that_is_closest_to_the_question() -> None:
    long = "Every employee may take 26 weeks of leave. " * 6
    text = f"{long}The fee for adopting is paid at 3.2 percent. It is taxed."
    texts = (text, "Leave is paid. The rest is not.", "", "Nothing of it")
    hits = [Hit(chunk=str(n), title="a.md", quote=quote) for n, quote in enumerate(texts)]
    found = near.nearest(hits, "Is the leave for adopting a dog paid?")
    assert [one["best"].strip() for one in found] == [
        "The fee for adopting is paid at 3.2 percent.",
        "Leave is paid.",
        "",
        "Nothing of it",
    ]
    assert found[0]["before"].startswith("… ") and len(found[0]["before"]) <= near.AROUND_CHARS + 2
    assert found[0]["after"] == "It is taxed." and found[1]["before"] == ""


def test_marks_what_an_answer_took_from_a_passage_and_not_all_of_it() -> None:
    passage = "Leave is for all. It lasts 12 weeks at full pay. It is taken within a year. Tell your team early."
    answer = "It lasts **12 weeks** [2]. Nothing else [1]. You take it within a year [1][2]."
    assert near.claims(answer, 2) == ["It lasts **12 weeks**", "You take it within a year"]
    assert near.resting(passage, near.claims(answer, 2)) == "It lasts 12 weeks at full pay. It is taken within a year."
    assert near.resting(passage, []) == ""


def test_shows_of_a_quote_what_was_taken_from_it_in_whole_words() -> None:
    long = (
        "Every employee reads this first. " * 5 + "Hotels cost up to 140 euros. " + "What follows matters less. " * 30
    )
    cut = Citation(n=1, chunk="c1", collection="id-1", quote=long[: near.QUOTE_CHARS])
    answer = Answer(answer="Up to 140 euros for hotels [1].", citations=(cut,))
    shown = view.stored(answer, "?", {"id-1": "Handbook"})["citations"][0]
    assert shown["quote"].startswith("… ") and shown["quote"].endswith(" …") and "140 euros" in shown["quote"]
    assert shown["collection"] == "Handbook"
    assert view.stored(answer, "?")["citations"][0]["collection"] == ""  # an id is no name
    offered = near.nearest([Hit(chunk="c", quote=("word " * 200)[: near.QUOTE_CHARS - 2] + "wo")], "?")[0]
    assert offered["best"].endswith("word …")


@pytest.mark.parametrize(("ms", "said"), [(3.4, "3 ms"), (999, "999 ms"), (1432, "1.4 s"), (125_000, "2 min 5 s")])
def test_reads_durations_as_people_do(ms: float, said: str) -> None:
    assert view.duration(ms) == said


def test_groups_conversations_by_day_with_pinned_ones_first() -> None:
    def head(name: str, day: int, pinned: bool = False) -> ConversationHead:
        moment = datetime(2026, 11, day, 12, tzinfo=UTC).timestamp()
        return ConversationHead(id=name, title=name, updated_at=moment, pinned=pinned)

    heads = [head("a", 22), head("b", 21), head("c", 18), head("d", 1), head("e", 2, pinned=True), head("f", 22)]
    old = ConversationHead(id="g", updated_at=0.0)
    groups = grouped([*heads, old], date(2026, 11, 22))
    assert [(name, [one.id for one in members]) for name, members in groups] == [
        ("Pinned", ["e"]),
        ("Today", ["a", "f"]),
        ("Yesterday", ["b"]),
        ("Last 7 days", ["c"]),
        ("Last 30 days", ["d"]),
        ("Older", ["g"]),
    ]


def test_suggests_questions_about_different_documents() -> None:
    titles = ["A1x", "A1x", "B2x", "C3x", "D4x", "E5x"]
    documents = [Document(id=str(n), title=title, status="ready") for n, title in enumerate(titles)]
    assert len(questions(documents)) == 4 and len(set(questions(documents))) == 4


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (Route(model="smollm2", adapter="grounded-answer", tier="fallback"), "grounded-answer, small model"),
        (Route(model="qwen3-8b", tier="domain"), "qwen3-8b, large model"),
        (Route(model="reader", tier="fallback", strategy="reader"), "found in the documents, no language model"),
        (Route(tier="none"), ""),
    ],
)
def test_says_who_answered_in_words_of_people(route: Route, said: str) -> None:
    assert view.by(Outcome(route=route)) == said


def test_says_that_no_model_was_asked_where_nothing_was_found() -> None:
    outcome = Outcome(abstained=True, route=Route(model="reader", tier="fallback", strategy="reader"))
    assert view.by(outcome) == "looked up in the documents, no language model"


def test_suggests_questions_about_titled_texts_before_file_names_and_about_no_tables() -> None:
    made = [
        ("prices.csv", "text/csv"),
        ("scan_0042.pdf", "application/pdf"),
        ("T" * 70, ""),
        ("Leave", ""),
        ("Leave", ""),
    ]
    documents = [Document(id=str(n), title=a, media_type=b, status="ready") for n, (a, b) in enumerate(made)]
    said = [one.removeprefix("Summarise the document ") for one in questions(documents)]
    assert said == ["Leave", "T" * 70, "scan_0042.pdf"]
    odd = [Document(id="x", title=title, status="ready") for title in ("Why?", "In short", "“Quoted”", "", "On leave")]
    assert questions(odd) == []  # they would be taken for something else


def test_hides_the_version_that_is_being_replaced_and_what_followed_it() -> None:
    turns = tuple(Turn(id=name, question=name) for name in "abc")

    class Fake:
        turn_id = ""
        view = LiveView(question="?", replace_turn="b")

    assert [turn.id for turn in before_live(turns, Fake())] == ["a"]  # type: ignore[arg-type]
    Fake.view, Fake.turn_id = LiveView(question="?"), "c"
    assert [turn.id for turn in before_live(turns, Fake())] == ["a", "b"]  # type: ignore[arg-type]
    assert before_live(turns, None) == turns
