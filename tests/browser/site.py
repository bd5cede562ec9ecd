"""The pages as a process of their own in front of an API, for a real browser."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page, TimeoutError, expect

START_PATIENCE_S = 90.0
PATIENCE_MS = 60_000  # two busy cores draw a page in seconds
# Enough to run headless without a sandbox, and nothing that calls home.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",  # a microphone that beeps, and no question whether it may be used
    "--use-fake-ui-for-media-stream",
]
_WATCH_POLICY = "addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.blockedURI))"


@dataclass
class Tab:
    """A browser tab of one person, with all that it asked for from elsewhere."""

    page: Page
    base: str
    foreign: list[str] = field(default_factory=list)  # addresses of requests to other hosts
    violations: list[str] = field(default_factory=list)  # what the content security policy had to stop
    dialogs: list[str] = field(default_factory=list)  # alerts: a script of somebody else ran
    bugs: list[str] = field(default_factory=list)  # exceptions of our own scripts

    def ask(self, question: str) -> None:
        """Type a question, send it, and wait for the answer to be complete."""
        before = self.page.locator("article.answer").count()
        self.send(question)
        self.answered(before + 1)

    def send(self, question: str) -> None:
        """Type a question and send it."""
        field = self.page.get_by_test_id("stChatInputTextArea")
        expect(field).to_have_count(1, timeout=PATIENCE_MS)  # another page's field may stand beside it for a moment
        field.fill(question)
        expect(self.page.get_by_test_id("stChatInputSubmitButton")).to_be_enabled(timeout=PATIENCE_MS)  # files are up
        field.press("Enter")

    def point_at_a_source(self, keyboard: bool = False) -> Locator:
        """Point at the first citation, with the pointer or the keyboard, until its card is shown; returns it."""
        chip, card = self.page.locator("button.cite").first, self.page.locator(".card")
        for _ in range(10):
            self.page.mouse.move(0, 0)
            chip.focus() if keyboard else chip.hover()
            try:
                card.wait_for(timeout=5_000)
                return chip
            except TimeoutError:
                continue  # the answer was drawn anew, and nothing points at it
        raise AssertionError("no card is shown over a citation")

    def answered(self, count: int) -> None:
        """Wait until `count` complete answers are shown."""
        self.page.wait_for_function(ANSWERED, arg=count, timeout=PATIENCE_MS * 2)

    def close_dialog(self) -> None:
        """Close the dialog with the keyboard, as a person does who presses again.

        Where a button inside it was just replaced, the keyboard is nowhere until the dialog takes it back.
        """
        dialog = self.page.get_by_role("dialog")
        until = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < until:
            self.page.keyboard.press("Escape")
            try:
                dialog.first.wait_for(state="detached", timeout=2_000)
                return
            except TimeoutError:
                continue
        raise AssertionError("the dialog stays open whatever is pressed")

    def open(self, path: str, until: str) -> None:
        """Go to a page and wait for a text on it."""
        self.page.goto(self.base + path)
        self.page.get_by_text(until).first.wait_for(timeout=PATIENCE_MS)


# Answers live in shadow roots, which a plain selector of the page does not see.
ANSWERED = """(count) => {
  const composer = document.querySelector('[data-testid="stChatInputTextArea"]')
  if (!composer || composer.disabled) return false
  const found = [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
    .map((host) => host.shadowRoot && host.shadowRoot.querySelector('article.answer .text'))
    .filter(Boolean)
  return found.length >= count && found.every((text) => text.getAttribute('aria-busy') === 'false')
}"""


@contextmanager
def pages(api_url: str, log: Path) -> Iterator[str]:
    """Start the pages in front of `api_url` and return their address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ui", "--api", api_url, "--port", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    base = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: httpx.get(f"{base}/_stcore/health", timeout=2).status_code == 200, process, log)
        yield base
    finally:
        process.terminate()
        process.wait(30)


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if ready():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"the pages did not start in {START_PATIENCE_S} s: {log.read_text()[-3000:]}")


@contextmanager
def tab(browser: Browser, base: str, scheme: str = "light", width: int = 1360, height: int = 860) -> Iterator[Tab]:
    """Open a tab in a fresh profile and watch what it does."""
    context: BrowserContext = browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        base_url=base,  # type: ignore[arg-type]
    )
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(_WATCH_POLICY)
    made = Tab(context.new_page(), base)
    _watch(made, context)
    try:
        yield made
    finally:
        context.close()


def _watch(made: Tab, context: BrowserContext) -> None:
    own = ("data:", "blob:", "about:", made.base, made.base.replace("http:", "ws:"))
    context.on("request", lambda request: None if request.url.startswith(own) else made.foreign.append(request.url))
    page = made.page
    page.on("dialog", lambda dialog: (made.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: made.bugs.append(str(error)))
    page.on("console", lambda line: made.violations.append(line.text) if line.text.startswith("policy:") else None)


def sign_in(made: Tab, name: str, password: str) -> None:
    """Sign in through the form and wait for the first page."""
    made.page.goto(made.base + "/")
    made.page.fill("#name", name)
    made.page.fill("#password", password)
    made.page.click("button")
    made.page.get_by_test_id("stChatInputTextArea").wait_for()
