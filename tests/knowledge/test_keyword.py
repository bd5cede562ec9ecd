"""The keyword index: words of many languages and of code, and what it says of itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.errors import IndexDamaged
from knowledge.index import Entry
from knowledge.keyword import KeywordIndex
from knowledge.words import distinct_words, language_of, plain_words, prepared


def entry(row: int, text: str, title: str = "", heading: str = "") -> Entry:
    """Return an entry of the keyword index, which has no use for a vector."""
    return Entry(row, title, heading, text, np.zeros(1, np.float32))


@pytest.fixture
def index(tmp_path: Path) -> KeywordIndex:
    """An empty index."""
    return KeywordIndex(tmp_path / "keyword")


GERMAN = "Die Kündigungen der Mitarbeiter sind vier Wochen vor dem Ende des Monats und nur schriftlich möglich."
SPANISH = "Los empleados que viajan por la empresa deben presentar los recibos de sus gastos antes del final del mes."
RUSSIAN = "Заявления на отпуск подаются в отдел кадров."
ARABIC = "يجب على الموظفين تقديم طلبات الإجازة مسبقا"


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Employees may carry over five days of leave.", "carrying over a day"),
        (GERMAN, "Kündigung eines Mitarbeiters"),
        (GERMAN, "kuendigungen mitarbeiter moglich"),
        (SPANISH, "¿qué gasto de viaje presenta un empleado?"),
        (RUSSIAN, "заявление на отпуск"),
        (ARABIC, "طلب إجازة"),
        ("休暇の申請は人事システムから行ってください。", "休暇申請"),
        ("请在人事系统中提交休假申请", "休假"),
        ("휴가 신청은 인사 시스템에서", "휴가를"),
        ("กรุณายื่นใบลาผ่านระบบ", "ใบลา"),
        ("pub struct DiffExecutor<A, B> { primary: A }", "what does the diff executor do"),
        ("call parse_http_header(raw)", "parse http header"),
        ("Error E-104: inlet pressure", "e-104"),
        ("naïve café résumé", "naive cafe resume"),
        ("ﬁre drill at noon", "fire drill"),
        ("The STRASSE is closed", "Straße"),
    ],
)
def test_finds_a_text_by_other_forms_of_its_words(index: KeywordIndex, text: str, question: str) -> None:
    index.put([entry(1, text), entry(2, "An unrelated note on printers and toner.")])
    assert [hit.row for hit in index.search(question, 5).hits][:1] == [1]


def test_looks_in_title_and_headings_too(index: KeywordIndex) -> None:
    index.put([entry(1, "Five days.", "Leave policy", "Carrying over"), entry(2, "Ten days.")])
    assert [hit.row for hit in index.search("leave", 5).hits] == [1]
    assert [hit.row for hit in index.search("carry", 5).hits] == [1]


def test_tells_how_much_of_a_question_it_knows(index: KeywordIndex) -> None:
    index.put([entry(1, "The annual report of the company")])
    assert index.search("annual report", 5).known == 1.0
    assert index.search("annual Jahresbericht", 5).known == 0.5
    assert index.search("wie lautet der Jahresbericht", 5).known == 0.0
    assert index.search("the of", 5).known == 1.0  # nothing but stop words, which it knows


def test_prefers_rare_words_to_stop_words(index: KeywordIndex) -> None:
    index.put([entry(row, "what is the rule and what is the reason") for row in range(1, 9)])
    index.put([entry(9, "parking for visitors")])
    assert index.search("what is the parking", 5).hits[0].row == 9


def test_searches_among_given_rows_only(index: KeywordIndex) -> None:
    index.put([entry(row, f"parking space {row}") for row in range(1, 50)])
    assert {hit.row for hit in index.search("parking", 5, only=[7, 9, 1000]).hits} == {7, 9}
    assert index.search("parking", 5, only=[]).hits == []


def test_replaces_and_drops_by_row(index: KeywordIndex, tmp_path: Path) -> None:
    index.put([entry(1, "old text"), entry(2, "kept"), entry(3, "to go")])
    index.put([entry(1, "new text")])
    index.drop([3, 99])
    assert (index.rows(), index.count()) == ({1, 2}, 2)
    assert [hit.row for hit in index.search("old go", 5).hits] == []
    index.close()
    assert KeywordIndex(tmp_path / "keyword").rows() == {1, 2}


def test_says_what_it_does_not_hold(index: KeywordIndex) -> None:
    held, missing = entry(1, "parking is free"), entry(2, "the canteen opens")
    index.put([held])
    assert index.wrong([held, missing]) == index.unfound([held, missing]) == [2]
    assert index.unfound([entry(1, "another text altogether")]) == [1]


@pytest.mark.parametrize("how", ["meta", "segment"])
def test_refuses_torn_files(index: KeywordIndex, tmp_path: Path, how: str) -> None:
    index.put([entry(1, "parking is free")])
    index.close()
    for path in (tmp_path / "keyword").iterdir():
        if (how == "meta" and path.name == "meta.json") or (how == "segment" and path.suffix == ".term"):
            path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(IndexDamaged, match="does not work"):
        KeywordIndex(tmp_path / "keyword")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (GERMAN, "german"),
        (SPANISH, "spanish"),
        (RUSSIAN, "russian"),
        (ARABIC, "arabic"),
        ("Employees may carry over five days of leave into the next year.", "english"),
        (
            "pub fn run(&mut self) -> Result<(), Error> { for x in self.inputs.iter() { x.run(self)?; } Ok(()) }",
            "english",
        ),
        ("", "english"),
        ("休暇の申請", "english"),
    ],
)
def test_tells_the_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language


def test_prepares_names_in_code_and_scripts_without_spaces() -> None:
    assert prepared("getHTTPServer2 and plain_name").split() == [
        "getHTTPServer2", "get", "HTTP", "Server", "2", "and", "plain_name",
    ]  # fmt: skip
    assert prepared("東京都 x").split() == ["東京", "京都", "x"]
    assert prepared("京").split() == ["京"]


@given(st.text(st.characters(max_codepoint=140)))
@example("x" * 59 + " " + "y" * 60 + " " + "Z" * 61)
@example("It's 5 o'clock_now\x1f; İstanbul")
def test_cuts_a_text_into_the_same_words_with_and_without_their_order(text: str) -> None:
    assert distinct_words(text) == frozenset(plain_words(text))
