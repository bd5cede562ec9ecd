"""What the widget costs the page that shows it, on a slow device: a real browser whose processor is held back.

The reference is the same page without the script, measured in turn with it, in the same browser.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Browser, sync_playwright

from benchmarks.report import Figure, median

SLOWER = 4  # a middling phone beside a desktop, as browsers' own tools hold it
RUNS = 7
_BLOCKS_MS = 50.0  # what a task takes beyond this is time in which the page does not answer
_TEXT = "<p>Lamps, shelves and other things that last, made in our own workshop since 1953.</p>" * 40
_WATCH = """<script>
window.long = 0
new PerformanceObserver((all) => { for (const one of all.getEntries()) window.long += Math.max(0, one.duration - %d) })
  .observe({ type: 'longtask', buffered: true })
</script>"""
_READY = """onload="InhouseChat.on('ready', () => { window.ready = performance.now() })" """


@dataclass(frozen=True, slots=True)
class Loaded:
    """One visit to a page, in milliseconds."""

    load_ms: float  # until the page's own load event was over
    blocked_ms: float  # in which tasks of more than 50 ms kept the page from answering
    ready_ms: float  # until the chat can be opened; 0 without one


@contextmanager
def shop() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the origin of a web site and its pages, by path."""
    pages: dict[str, str] = {}

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = pages.get(self.path)
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((found or "").encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", pages
    finally:
        server.shutdown()
        thread.join(5)


def measure(origin: str, pages: dict[str, str], api: str, widget: str) -> list[Figure]:
    """Return the figures of a page of `origin` with and without the widget; ends the program without a browser."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("There is no chromium here. Install the package 'chromium'.")
    head = f"<!doctype html><title>Shop</title>{_WATCH % _BLOCKS_MS}"
    tag = f'<script src="{api}/widget.js" data-widget="{widget}" {_READY} async></script>'
    pages |= {"/without": f"{head}<h1>Shop</h1>{_TEXT}", "/with": f"{head}<h1>Shop</h1>{_TEXT}{tag}"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            for warm in ("/without", "/with"):
                _visit(browser, origin + warm)
            both = [(_visit(browser, f"{origin}/without"), _visit(browser, f"{origin}/with")) for _ in range(RUNS)]
        finally:
            browser.close()
    plain, chat = [one for one, _ in both], [one for _, one in both]
    slow = f"processor {SLOWER} times slower"
    return [
        Figure("page loaded p50, with the widget", median([one.load_ms for one in chat]), "ms",
               f"without, {slow}", median([one.load_ms for one in plain])),
        Figure("page blocked p50, with the widget", median([one.blocked_ms for one in chat]), "ms",
               f"without, {slow}", median([one.blocked_ms for one in plain])),
        Figure("chat can be opened p50", median([one.ready_ms for one in chat]), "ms",
               f"page without it loaded, {slow}", median([one.load_ms for one in plain])),
    ]  # fmt: skip


def _visit(browser: Browser, address: str) -> Loaded:
    """Load a page in a fresh profile, so that nothing comes from a cache."""
    context = browser.new_context()
    try:
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(address)
        if address.endswith("/with"):
            page.wait_for_function("window.ready")
        page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
        load = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        return Loaded(load, page.evaluate("window.long"), page.evaluate("window.ready || 0"))
    finally:
        context.close()
