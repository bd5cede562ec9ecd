"""Other people's pages with our widget on them: a server of theirs, and the API with scripted answers behind it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page

from assistant.api.app import create
from assistant.settings import load
from assistant.types import Answer, Citation, Event, Route, Step, Turn
from assistant.widgets import keys, registry
from assistant.widgets.types import Widget
from knowledge.database import connect
from tests.api.conftest import World, make_world, serving
from tests.api.scripted import ScriptedTurns
from tests.browser.site import PATIENCE_MS

ROUTE = Route("smol", None, "fallback", "grounded_answer")
# Widgets close their shadow root; most tests look inside through one that this opens again.
OPEN = """{ const closed = Element.prototype.attachShadow
  Element.prototype.attachShadow = function (given) { return closed.call(this, { ...given, mode: 'open' }) } }"""


@dataclass
class Saying:
    """Answers with the text that is kept for a question, in small pieces; any other question gets one about leave."""

    texts: dict[str, str] = field(default_factory=dict)
    asked: list[Turn] = field(default_factory=list)
    piece: int = 7
    writes: ScriptedTurns | None = None  # what has notes written, see there

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        self.asked.append(turn)
        if self.writes is not None and (turn.options.decisions or turn.question.startswith("write ")):
            async for event in self.writes.run(turn):
                yield event
            return
        text = self.texts.get(turn.question, "You have **30 days** of leave [1].\n\n- in summer\n- in winter")
        cited = Citation(
            1, "d", self.texts.get("title", "Handbook"), 2, "c", self.texts.get("quote", "30 days"), "Leave"
        )
        yield Event("step", step=Step("search", "Looked.", 1.0))
        for at in range(0, len(text), self.piece):
            yield Event("text", text[at : at + self.piece], citations=(cited,) if at == 0 else ())
        yield Event("answer", answer=Answer(text, (cited,), False, True, False, ROUTE))


@dataclass
class HostSite:
    """A web site that is not ours; `pages` are path -> (HTML, headers)."""

    origin: str
    api: str
    world: World
    says: Saying
    widget: Widget
    secret: str
    pages: dict[str, tuple[str, dict[str, str]]]
    seen: list[str]  # what the site's server was asked for

    def tag(self, **data: str) -> str:
        """The script tag that the Widgets page gives."""
        more = "".join(f" data-{name.replace('_', '-')}='{value}'" for name, value in data.items())
        return f'<script src="{self.api}/widget.js" data-widget="{self.widget.id}"{more} async></script>'

    def page(self, path: str, body: str, head: str = "", **headers: str) -> str:
        """Put a page on the site and return its address."""
        top = f"<!doctype html><html lang=en><head><title>Shop</title>{head}</head>"
        html = f"{top}<body><h1>Shop</h1>{body}</body></html>"
        self.pages[path] = (html, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.origin + path


@contextmanager
def site(folder: Path, migrated: Path, host: str = "localhost") -> Iterator[HostSite]:
    """The API on 127.0.0.1 and the site under another name, so that they are two origins."""
    shutil.copy(migrated, folder / "assistant.db")
    engine = connect(f"sqlite:///{folder}/assistant.db")
    settings = load(data_dir=folder)
    world = make_world(engine, folder, settings)
    says = Saying(writes=world.turns)
    world.app.turns = says
    api = create(world.app)
    world = replace(world, api=api)
    pages: dict[str, tuple[str, dict[str, str]]] = {}
    seen: list[str] = []
    with serving(api, settings) as url, _served(pages, seen) as port:
        origin = f"http://{host}:{port}"
        limits = {
            "messages_per_minute": 600,
            "sessions_per_hour": 10_000,
            "challenge_above": 10_000,
            "messages_per_session": 1_000,
        }
        profile: dict[str, Any] = {"origins": [origin], "limits": limits, "words": {
            "greeting": "Hello, how can we **help**?", "questions": ["How much leave is there?"],
            "disclaimer": "Answers may be wrong."}}  # fmt: skip
        made = registry.create(engine, "Help", registry.checked(profile))
        key = keys.add(engine, world.app.secrets, made.id)
        widget = registry.change(engine, made.id, enabled=True)
        assert key is not None and widget is not None
        yield HostSite(origin, url, world, says, widget, key[1], pages, seen)
    engine.dispose()


@contextmanager
def _served(pages: dict[str, tuple[str, dict[str, str]]], seen: list[str]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            seen.append(self.path)
            html, headers = pages.get(path, ("", {}))
            self.send_response(200 if path in pages else 404)
            for name, value in ({"Content-Type": "text/html; charset=utf-8"} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join(5)


@dataclass
class Visit:
    """A visitor's tab."""

    page: Page
    foreign: list[str] = field(default_factory=list)  # requests to anybody but the site and the API
    dialogs: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # of the console

    def open(self) -> None:
        """Open the chat by its bubble."""
        self.page.locator("button.bubble").click()
        self.page.locator("section.panel").wait_for()

    def ask(self, question: str) -> Locator:
        """Ask, wait for the whole answer, and return its element."""
        answers = self.page.locator("article.bot[aria-busy=false]")
        before = answers.count()
        self.page.locator("form.ask textarea").fill(question)
        self.page.keyboard.press("Enter")
        answers.nth(before).wait_for()
        return answers.nth(before)


@contextmanager
def visit(browser: Browser, shop: HostSite, opened: bool = True, **options: Any) -> Iterator[Visit]:
    """A tab in a fresh profile; `opened`: with shadow roots that the test can look into."""
    context: BrowserContext = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    if opened:
        context.add_init_script(OPEN)
    made = Visit(context.new_page())
    own = ("data:", "blob:", "about:", shop.origin, shop.api)
    context.on("request", lambda one: None if one.url.startswith(own) else made.foreign.append(one.url))
    made.page.on("dialog", lambda one: (made.dialogs.append(one.message), one.dismiss()))
    made.page.on("pageerror", lambda error: made.bugs.append(str(error)))
    made.page.on("console", lambda line: made.lines.append(line.text))
    try:
        yield made
    finally:
        context.close()


def closed_text(page: Page) -> str:
    """All text of a page, closed shadow roots included, as only the debugger sees it."""
    session = page.context.new_cdp_session(page)
    root = session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
    found: list[str] = []

    def walk(node: dict[str, Any]) -> None:
        if node["nodeType"] == 3:
            found.append(node["nodeValue"])
        for child in [*node.get("children", []), *node.get("shadowRoots", [])]:
            walk(child)

    walk(root)
    session.detach()
    return "".join(found)
