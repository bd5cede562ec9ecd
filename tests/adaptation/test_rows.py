from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.adaptation.errors import DatasetError
from assistant.adaptation.rows import clean, read
from tests.adaptation.conftest import raw_row


def written(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return path


def test_it_reads_rows_with_the_position_of_their_gold_passage(tmp_path: Path) -> None:
    row = raw_row(1, "Ulm", "minster")
    row["contexts"] = [{"id": "p0", "title": "", "text": "Nothing."}, *row["contexts"]]  # type: ignore[misc]
    assert read(written(tmp_path / "rows.jsonl", row))[0].gold == (1,)


def test_it_drops_exact_duplicates_and_keeps_the_rest(tmp_path: Path) -> None:
    rows = [raw_row(1, "Ulm", "minster"), raw_row(1, "Ulm", "minster"), raw_row(2, "Ulm", "gate")]
    assert len(read(written(tmp_path / "rows.jsonl", *rows))) == 2


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "holds no rows"),
        (["not json"], "line 1"),
        ([{"id": "x"}], "A row needs id, question"),
        (["[1]"], "line 1"),
        ([raw_row(1, "Ulm", "minster", question=" ")], "is empty"),
        ([raw_row(1, "Ulm", "minster")] * 3, "are the same question"),
    ],
)
def test_it_says_in_one_sentence_why_a_file_is_unusable(tmp_path: Path, lines: list[object], sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        read(written(tmp_path / "rows.jsonl", *lines))


def test_it_says_that_a_file_is_missing_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Cannot read"):
        read(tmp_path / "absent.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="UTF-8"):
        read(tmp_path / "bytes.jsonl")


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("98 % of the world 's people , here .", "98% of the world's people, here."),
        ("Two  blanks\u00a0here", "Two blanks here"),
        ("a - b stays", "a - b stays"),
        ("| a | b |\n|---|---|", "| a | b |\n|---|---|"),
    ],
)
def test_it_undoes_tokenised_spacing_only_where_it_is(raw: str, plain: str) -> None:
    assert clean(raw) == plain
