"""What goes out: nothing that a screen would load or run by itself, no link that no source gave, no secret.

Text arrives in slices, as sentences are released, so each rule holds for a slice alone and across the seam to the next:
markdown that could begin in one slice and end in another is broken up rather than understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

LEFT_OUT = "[link left out]"
_LEFT_OUT_SECRET = "[secret left out]"  # noqa: S105 - what stands in a secret's place
_SCHEMES = frozenset({"http", "https", "mailto"})
_URL = r"(?:[a-z][a-z0-9+.-]{1,20}:(?://)?|//|www\.)[^\s<>()\[\]`\"']+"
# A line that some reader takes for the fence of a code block, behind blanks or the marks of lists and quotations.
_FENCE = re.compile(
    r"(?P<blanks>[ \t]*)(?P<marks>(?:(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$)|>[ \t]*)*)(?P<fence>`{3,}|~{3,})(?P<info>.*)$"
)
_CODE_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)([^\n]+?)(?<!`)\1(?!`)")
_IMAGE = re.compile(r"!\[([^\[\]]*)\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]]*\])?")
_LINK = re.compile(
    rf"(?<!!)\[([^\[\]\n]*)\]\(\s*<?({_URL}(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+[\"'(][^\n]*?[\"')])?\s*\)", re.I
)
_BARE = re.compile(
    r"<?(?P<url>\b(?:https?|ftp|file|data|javascript|vbscript):(?://)?[^\s<>`\"'\])]+"
    r"|(?<![\w@/.])www\.[^\s<>`\"'\])]+)>?",
    re.I,
)
# Two brackets in a row are a reference link unless both are citation marks.
_ADJACENT = re.compile(r"(?<!\[\d)(?<!\[\d\d)(?<!\[\d\d\d)\]\[|\]\[(?!\d{1,3}\])")
_MATH_LOADS = re.compile(r"\\(?=(?:href|url|includegraphics|htmlData|htmlStyle|htmlClass|htmlId)\b)")
_SECRETS = re.compile(
    r"""
    \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{36,}\b | \bgithub_pat_[A-Za-z0-9_]{40,}\b | \bglpat-[A-Za-z0-9_-]{20,}\b
    | \bxox[abprs]-[A-Za-z0-9-]{10,}\b | \bsk-[A-Za-z0-9_-]{20,}\b | \bAIza[A-Za-z0-9_-]{35}\b
    | \beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\b
    """,
    re.VERBOSE,
)
# How links and secrets begin, as far as letters go; see _BARE and _SECRETS.
_BEGINNINGS = (
    *("http", "ftp", "file:", "data:", "javascript:", "vbscript:", "mailto:", "www"),
    *("akia", "asia", "gh", "github_pat_", "glpat-", "xox", "sk-", "aiza", "eyj"),
)
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")


class Output:
    """Makes the slices of one answer safe to show, in order."""

    def __init__(self, sources: Iterable[str], secrets: Iterable[str] = (), markdown: bool = True) -> None:
        """Allow the links that stand in `sources`, word for word; `secrets` never go out, whatever they look like.

        `markdown` False: the text is data for a program (JSON), in which only secrets are replaced.
        """
        self.markdown = markdown
        self._sources = "\n".join(sources)
        self._secrets = tuple(s for s in secrets if len(s) >= 8)  # shorter ones would hit ordinary words
        self.begin_again()

    def begin_again(self) -> None:
        """Forget what went out: the next slice begins a text."""
        self._last = "\n"  # the last character that went out
        self._line_so_far = ""  # what the line that is not ended yet was given as
        self._in_key = False  # between the first and the last line of a private key
        self._open_tick = False  # a backtick of this paragraph has no partner yet, so what is code cannot be known
        self.fenced = ""  # the fence that the code block of which this is a part began with

    def slice(self, text: str) -> str:
        """Return the next slice as it may be shown."""
        for secret in self._secrets:
            text = text.replace(secret, _LEFT_OUT_SECRET)
        text = self._without_key(_SECRETS.sub(_LEFT_OUT_SECRET, text))
        if not self.markdown:
            return text
        *whole, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        safe = "\n".join([*(self._line(line, ends=True) for line in whole), self._line(rest, ends=False)])
        if (self._last == "!" and safe[:1] == "[") or (self._last == "]" and safe[:1] in tuple("([:")):
            safe = " " + safe
        self._last = safe[-1:] or self._last
        return safe

    def is_plain(self, beginning: str) -> bool:
        """Return whether the beginning of a word stays as it is, whatever follows; False when that is not certain.

        Certain are ASCII letters with which no link and no secret begins, and in which none of the own secrets does.
        """
        if not (beginning.isascii() and beginning.isalpha()):
            return False
        lower = beginning.lower()
        if any(start.startswith(lower) or lower.startswith(start) for start in _BEGINNINGS):
            return False
        # Our own secrets are looked for within words, too.
        endings = [beginning[n:] for n in range(len(beginning))]
        return not any(secret.startswith(end) or end.startswith(secret) for secret in self._secrets for end in endings)

    def _without_key(self, text: str) -> str:
        """Return `text` without the parts of a private key, however many slices it takes."""
        shown = ""
        while text:
            mark = _KEY_ENDS if self._in_key else _KEY_BEGINS
            found = mark.search(text)
            shown += "" if self._in_key else text[: found.start()] + _LEFT_OUT_SECRET if found else text
            if found:
                self._in_key = not self._in_key
            text = text[found.end() :] if found else ""
        return shown

    def _line(self, line: str, ends: bool) -> str:
        """Return a line as it may be shown, or as much of it as this slice has (`ends`: all of it)."""
        given, so_far = self._line_so_far, self._line_so_far + line
        shown = self._code(given, line, ends) if self.fenced else self._fence(given, line, ends)
        if shown is None:
            if ends and not so_far.strip():
                self._open_tick = False
            shown = self._prose_and_spans(line)
        self._line_so_far = "" if ends else given + (shown if _FENCE.match(so_far) else line)
        return shown

    def _code(self, given: str, line: str, ends: bool) -> str:
        """Return a line of a code block; one that ends it begins the line, where every reader sees it."""
        found = _FENCE.match(given + line)
        closes = found and not found["marks"] and found["fence"].startswith(self.fenced) and not found["info"].strip()
        if not (ends and found and closes):
            return line
        if given.strip() and len(found["blanks"].expandtabs(4)) > 3:
            return line  # too far from the margin to end it, and that is shown already
        self.fenced = ""
        return line if given.strip() else ("\n" if given else "") + found["fence"]

    def _fence(self, given: str, line: str, ends: bool) -> str | None:
        """Return a line that is the fence of a code block, or that some reader might take for one; None for all others.

        Only at the margin and of backticks is it one to all readers, who then agree on where its block ends: within a
        list it would end with the list. So one behind blanks is moved there, and every other one is no fence any more.
        """
        found = _FENCE.match(given + line)
        if found is None or (found["fence"][0] == "`" and "`" in found["info"]):
            return None
        plain, shown_already = not found["marks"] and found["fence"][0] == "`", bool(given.strip())
        margin = plain and not found["blanks"]
        if margin and not ends:
            return None  # it is known at the end of the line
        if ends and plain and (margin or not shown_already):
            self.fenced, self._open_tick = found["fence"], False
            if shown_already:
                return self._prose(line)
            # Diagrams load images before they are cleaned.
            info = "" if "mermaid" in found["info"].lower() else self._prose(found["info"])
            return ("\n" if given else "") + found["fence"] + info
        if shown_already:
            return "\\" + self._prose_and_spans(line)
        return (
            found["blanks"][len(given) :]
            + found["marks"]
            + "\\"
            + self._prose_and_spans(found["fence"] + found["info"])
        )

    def _prose_and_spans(self, line: str) -> str:
        parts: list[str] = []
        position = 0
        for code in _CODE_SPAN.finditer(line) if not self._open_tick else ():
            parts += [self._prose(line[position : code.start()]), code[0]]
            position = code.end()
        return "".join([*parts, self._prose(line[position:])])

    def _prose(self, text: str) -> str:
        self._open_tick = self._open_tick or "`" in text
        kept: list[str] = []

        def keep(link: str) -> str:
            kept.append(link)
            return f"\x00{len(kept) - 1}\x00"

        text = _IMAGE.sub(lambda image: f"({image[1].strip() or 'image'}: image left out)", text.replace("\x00", ""))
        text = _LINK.sub(lambda link: keep(self._link(link[1], link[2])), text)
        text = _BARE.sub(lambda bare: self._bare(bare["url"], keep), text)
        text = text.replace("![", "! [").replace("](", "] (").replace("]:", "] :")
        text = _ADJACENT.sub("] [", text)
        text = re.sub(r"<(?=[A-Za-z/!?]|$)", "&lt;", _MATH_LOADS.sub("", text))
        return re.sub("\x00(\\d+)\x00", lambda mark: kept[int(mark[1])], text)

    def _link(self, label: str, url: str) -> str:
        label = re.sub(r"<(?=[A-Za-z/!?]|$)", "&lt;", label).strip()
        host = self._host(url)
        if host is None:
            return f"{label} {LEFT_OUT}".strip()
        shown = label if host in label.lower() else f"{label} ({host})".strip()
        return f"[{shown}]({url})"

    def _bare(self, url: str, keep: object) -> str:
        trailing = re.search(r"[.,;:!?]*$", url)
        end = trailing[0] if trailing else ""
        url = url.removesuffix(end) if end else url
        allowed = self._host(url) is not None
        assert callable(keep)
        return str(keep(url) if allowed else LEFT_OUT) + end

    def _host(self, url: str) -> str | None:
        """Return the host that a link leads to, or None when no source gave exactly this link."""
        try:
            parts = urlsplit(url if not url.lower().startswith("www.") else f"https://{url}")
            if parts.scheme.lower() not in _SCHEMES or "@" in parts.netloc:
                return None
            host = parts.path if parts.scheme == "mailto" else parts.hostname
        except ValueError:
            return None
        given = re.search(rf"(?<![\w/.-]){re.escape(url)}(?![\w/=&%#-]|[?.]\w)", self._sources)
        return host.lower() if host and given else None
