"""Bytes to text, in the encodings that people's files really have."""

from __future__ import annotations

import pytest

from ingest.encoding import decode, looks_like_text

GERMAN = "Die Übergröße der Öltür kostet 5 € und fünf Äpfel, sagte Jürgen Müller gestern in Köln.\n" * 3
RUSSIAN = "Съешь же ещё этих мягких французских булок да выпей чаю, сказал начальник отдела кадров.\n" * 5
JAPANESE = "本社の就業規則では、年次有給休暇は入社六か月後に十日付与されます。詳しくは人事部まで。\n" * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252"])
def test_it_reads_german(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)) == GERMAN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251", "koi8-r", "cp866"])
def test_it_reads_russian(encoding: str) -> None:
    assert decode(RUSSIAN.encode(encoding)) == RUSSIAN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp932", "euc_jp"])
def test_it_reads_japanese(encoding: str) -> None:
    assert decode(JAPANESE.encode(encoding)) == JAPANESE


def test_it_believes_what_is_stated_only_when_nothing_better_speaks() -> None:
    assert decode("naïve".encode("cp1252"), "cp1252") == "naïve"
    assert decode("naïve".encode(), "cp1252") == "naïve"
    assert decode("naïve".encode("cp1252"), "no-such-encoding") == "naïve"


def test_it_reads_short_latin_text_as_latin() -> None:
    assert decode("café".encode("cp1252")) == "café"


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfe", b"\xff\xfe\x00", b"\x00\xd8", bytes(range(256)) * 40])
def test_it_never_fails(data: bytes) -> None:
    assert isinstance(decode(data), str)


def test_it_makes_all_line_ends_equal() -> None:
    assert decode(b"a\r\nb\rc\nd") == "a\nb\nc\nd"


@pytest.mark.parametrize("text", [GERMAN.encode(), GERMAN.encode("utf-16"), RUSSIAN.encode("cp866"), b"a\tb\r\n\f"])
def test_it_knows_text(text: bytes) -> None:
    assert looks_like_text(text)


@pytest.mark.parametrize("data", [bytes(range(256)), b"\x00" * 100, b"\x7fELF\x02\x01\x01\x00" + bytes(50)])
def test_it_knows_what_is_no_text(data: bytes) -> None:
    assert not looks_like_text(data)
