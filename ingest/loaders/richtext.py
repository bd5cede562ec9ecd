"""Rich text (.rtf): its words, without its formatting."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ingest.errors import DocumentRefused
from ingest.loaders.plain import paragraphs
from ingest.types import Loaded, Source

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_DESTINATIONS = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore listtable listoverridetable rsidtbl generator "
    b"xmlnstbl latentstyles fldinst header footer headerl headerr headerf footerl footerr footerf bkmkstart bkmkend "
    b"filetbl revtbl mmathPr".split()
)
_BREAKS = {b"par": "\n\n", b"line": "\n", b"sect": "\n\n", b"page": "\n\n", b"row": "\n", b"cell": " | ", b"tab": " "}
_SIGNS = {
    b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
    b"rdblquote": "”", b"emspace": " ", b"enspace": " ",
}  # fmt: skip
_ESCAPES = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}"}
_CHARSETS = {128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254", 177: "cp1255",
             178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250"}  # fmt: skip
_FONT = re.compile(rb"\\f(\d+)[^{};]*?\\fcharset(\d+)")
_CODE_PAGE = re.compile(rb"\\ansicpg(\d+)")
_MAX_DEPTH = 500  # groups in groups


def load(source: Source) -> Loaded:
    """Return the paragraphs of a rich text file; raises DocumentRefused (too_large, bomb)."""
    data = source.read(source.limits.inflated_bytes)
    reader = _Reader(_code_page(data), {int(font): _CHARSETS.get(int(cs), "") for font, cs in _FONT.findall(data)})
    for token in _TOKEN.finditer(data):
        reader.take(token)
        if reader.size > source.limits.text_bytes:
            raise DocumentRefused("too_large", f"It holds more than {source.limits.text_bytes // 2**20} MiB of text.")
    return Loaded(None, tuple(paragraphs(reader.text())))


def _code_page(data: bytes) -> str:
    found = _CODE_PAGE.search(data[:4096])
    name = f"cp{found[1].decode()}" if found else "cp1252"
    try:
        "".encode(name)
    except LookupError:
        return "cp1252"
    return name


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits and gives back when it closes."""

    skip: bool = False
    encoding: str = "cp1252"
    fallback: int = 1  # characters that stand after \\u for readers without Unicode


@dataclass
class _Reader:
    code_page: str
    fonts: dict[int, str]
    size: int = 0
    _pieces: list[str] = field(default_factory=list)
    _bytes: bytearray = field(default_factory=bytearray)  # of a multi-byte encoding, until it is complete
    _stack: list[_State] = field(default_factory=list)
    _state: _State = field(default_factory=_State)
    _drop: int = 0  # fallback characters still to be passed over
    _starred: bool = False

    def __post_init__(self) -> None:
        self._state = _State(encoding=self.code_page)

    def text(self) -> str:
        self._flush()
        return "".join(self._pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def take(self, token: re.Match[bytes]) -> None:
        word, number, code, sign, brace, plain = token.groups()
        if code is not None:
            self._byte(int(code, 16))
            return
        self._flush()
        if brace:
            self._group(brace == b"{")
        elif word:
            self._control(word, int(number) if number else None)
        elif sign:
            self._starred = self._starred or sign == b"*"
            self._say(_ESCAPES.get(sign, ""))
        elif plain:
            self._say(plain.decode(self._state.encoding, "replace"))

    def _group(self, opens: bool) -> None:
        self._drop = 0
        if opens:
            if len(self._stack) > _MAX_DEPTH:
                raise DocumentRefused("bomb", f"The file nests more than {_MAX_DEPTH} groups in one another.")
            self._stack.append(self._state)
        elif self._stack:
            self._state = self._stack.pop()
        self._starred = False

    def _control(self, word: bytes, number: int | None) -> None:
        state = self._state
        if word in _DESTINATIONS or self._starred:
            self._state = _State(True, state.encoding, state.fallback)
            self._starred = False
        elif word == b"u" and number is not None:
            self._say(chr(number % 65536))
            self._drop = state.fallback
        elif word == b"uc" and number is not None:
            self._state = _State(state.skip, state.encoding, min(max(number, 0), 10))
        elif word == b"f" and number is not None:
            self._state = _State(state.skip, self.fonts.get(number) or self.code_page, state.fallback)
        else:
            self._say(_BREAKS.get(word) or _SIGNS.get(word, ""))

    def _byte(self, value: int) -> None:
        if self._drop:
            self._drop -= 1
        elif not self._state.skip:
            self._bytes.append(value)

    def _flush(self) -> None:
        if self._bytes:
            text = self._bytes.decode(self._state.encoding, "replace")
            self._bytes.clear()
            self._say(text)

    def _say(self, text: str) -> None:
        if self._drop and text:
            dropped = min(self._drop, len(text))
            self._drop -= dropped
            text = text[dropped:]
        if text and not self._state.skip:
            self.size += len(text)
            self._pieces.append(text)
