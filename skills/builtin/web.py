"""Reading the web: a page as text, an API as JSON. Every request passes the guard; what comes back is quoted data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated

import anyio.to_thread
import lxml.html
from lxml.etree import ParserError, XPath
from pydantic import JsonValue

from skills.declare import EXACT, skill
from skills.errors import SkillFailure, SkillRefusal
from skills.http import Http, HttpReply, HttpRequest

_TEXT = ("text/plain", "text/markdown", "text/csv", "application/xml", "text/xml")
_MAX_REDIRECTS = 3
_READABLE = XPath("//text()[not(ancestor::script or ancestor::style or ancestor::noscript or ancestor::template)]")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
_READING = """read open fetch get show load look at check see visit the this web page site website url link address
    and tell me what it says say is on there does please can you content contents text of from"""
_OUTBOUND = frozenset({"outbound"})


def web_skills(http: Http, *, max_bytes: int, timeout_s: float) -> list[Callable[..., object]]:
    """Return the skills that ask addresses named in their arguments."""

    async def get(url: str, accept: str) -> HttpReply:
        for _ in range(_MAX_REDIRECTS + 1):
            reply = await http(HttpRequest("GET", url, {"Accept": accept}), max_bytes=max_bytes, timeout_s=timeout_s)
            if reply.location is None:
                return _accepted(reply)
            url = reply.location  # checked by the guard like the first address
        raise SkillFailure(f"{url} redirects more than {_MAX_REDIRECTS} times.")

    @skill(tags=_OUTBOUND | EXACT, reads=_page_in)
    async def fetch_web_page(url: Annotated[str, "absolute http or https address"]) -> str:
        """Read a web page and return its text.

        Examples:
            Read this web page and tell me what it says
        """
        reply = await get(url, "text/html, text/*;q=0.8")
        if reply.media_type in _TEXT or reply.media_type.endswith("json"):
            return reply.text
        if reply.media_type not in ("text/html", "application/xhtml+xml", ""):
            raise SkillRefusal(f"{url} is {reply.media_type[:60]}, not a page. Upload it as a document instead.")
        return await anyio.to_thread.run_sync(page_text, reply.body)

    @skill(tags=_OUTBOUND)
    async def get_json(url: Annotated[str, "absolute http or https address of an API"]) -> JsonValue:
        """Ask a JSON web API with GET and return what it answers."""
        answer: JsonValue = (await get(url, "application/json")).json()
        return answer

    @skill(effect="write", tags=_OUTBOUND)
    async def post_json(url: Annotated[str, "absolute http or https address of an API"], body: JsonValue) -> JsonValue:
        """Send JSON to a web API with POST and return what it answers."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = HttpRequest("POST", url, headers, json.dumps(body).encode())
        reply = _accepted(await http(request, max_bytes=max_bytes, timeout_s=timeout_s))
        answer: JsonValue = reply.json() if reply.media_type.endswith("json") else reply.text
        return answer

    return [fetch_web_page, get_json, post_json]


def _page_in(question: str) -> Mapping[str, str] | None:
    """Return the one address that a question holds, where it asks for nothing but what stands there."""
    rest, addresses = _ADDRESS.sub(" ", question), _ADDRESS.findall(question)
    if len(addresses) != 1 or not set(re.findall(r"[a-z]+", rest.lower())) <= set(_READING.split()):
        return None
    return {"url": addresses[0].rstrip(".,;:!?)")}


def page_text(body: bytes) -> str:
    """Return the readable text of an HTML page: its main part where one is found, else all of it."""
    import trafilatura  # noqa: PLC0415 - 0.6 s to import, needed by few

    found = trafilatura.extract(body, include_comments=False, include_tables=True, include_links=False)
    if found:
        return str(found)
    try:
        tree = lxml.html.fromstring(body)
    except (ParserError, ValueError) as exc:
        raise SkillFailure("The page holds no text.") from exc
    texts = _READABLE(tree)
    return " ".join(" ".join(map(str, texts)).split()) if isinstance(texts, list) else ""


def _accepted(reply: HttpReply) -> HttpReply:
    if 200 <= reply.status < 300:
        return reply
    if reply.status in (400, 404, 405, 410, 422):
        raise SkillRefusal(f"{reply.url} answered with status {reply.status}.")
    raise SkillFailure(f"{reply.url} answered with status {reply.status}.")
