from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from assistant.models.local.text import StopStrings, TextStream


def decode_bytes(ids: Sequence[int]) -> str:
    """A tokenizer whose tokens are bytes."""
    return bytes(ids).decode("utf-8", "replace")


@given(st.text(), st.lists(st.integers(1, 5)))
def test_it_gives_out_whole_characters_that_join_to_the_text(text: str, cuts: list[int]) -> None:
    stream, data, out = TextStream(decode_bytes), list(text.encode("utf-8", "ignore")), []
    while data:
        n = cuts.pop() if cuts else 1
        out.append(stream.push(data[:n]))
        data = data[n:]
    out.append(stream.flush())
    assert "".join(out) == text.encode("utf-8", "ignore").decode()


def test_it_gives_out_broken_bytes_at_the_end_as_replacement() -> None:
    stream = TextStream(decode_bytes)
    assert stream.push([0x61, 0xC3]) == ""
    assert stream.flush() == "a\ufffd"


@given(st.text("ab#", max_size=30), st.lists(st.text("ab#", min_size=1, max_size=4), max_size=3), st.integers(1, 4))
def test_it_stops_before_the_first_stop_string_however_the_text_is_cut(text: str, stops: list[str], n: int) -> None:
    scanner, out = StopStrings(stops), ""
    for at in range(0, len(text), n):
        out += scanner.push(text[at : at + n])
    out += scanner.flush()
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        assert out == text and not scanner.hit
        return
    assert scanner.hit
    # A stop string that ends first wins over a longer one that began earlier: the text after it was never made.
    assert text.startswith(out) and not any(stop in out for stop in stops)


def test_it_holds_back_only_what_may_begin_a_stop_string() -> None:
    scanner = StopStrings(["\nUser:"])
    assert scanner.push("Hello\n") == "Hello"
    assert scanner.push("World") == "\nWorld"
    assert scanner.push(" \nUs") == " "
    assert scanner.push("er: x") == ""
    assert scanner.hit
