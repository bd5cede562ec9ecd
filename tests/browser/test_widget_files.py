"""Files in the widget, in a real browser: chosen, read by a real worker, listed, removed; and not offered otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.attachments import attached
from assistant.widgets import registry
from ingest import worker
from tests.browser.host_site import HostSite, site, visit
from tests.browser.test_widget_axe import violations

INVOICE = {"name": "invoice.txt", "mimeType": "text/plain", "buffer": b"The invoice 4711 is about a lamp for 30 euros."}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[HostSite]:
    with site(tmp_path_factory.mktemp("files"), migrated) as made:
        app, stop = made.world.app, threading.Event()
        allowed = {"attachments": {"allowed": True, "endings": ["txt"], "max_megabytes": 1}}
        registry.change(app.engine, made.widget.id, changes=allowed)
        work = (app.engine, app.files, app.embedder, app.settings.ingest, stop)
        thread = threading.Thread(target=worker.run, args=work)
        thread.start()
        yield made
        stop.set()
        thread.join(60)


def choose(page: Page, file: dict[str, object]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach a file").click()
    chooser.value.set_files(file)  # type: ignore[arg-type]  # a FilePayload


def test_a_file_is_attached_read_and_removed(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        choose(tab.page, INVOICE)
        file = tab.page.locator(".files li")
        expect(file).to_contain_text("invoice.txt")
        tab.ask("What is it about?")  # waits for the file
        expect(file).to_contain_text("Read.")
        turn = shop.says.asked[-1]
        assert attached(shop.world.app.engine, turn.caller.scope, str(turn.options.conversation_id)) is not None
        assert violations(tab.page) == []
        tab.page.reload()
        expect(file).to_contain_text("Read.")
        tab.page.get_by_role("button", name="Remove: invoice.txt").focus()
        tab.page.keyboard.press("Enter")
        expect(file).to_have_count(0)
        expect(tab.page.get_by_role("textbox")).to_be_focused()
        assert tab.bugs == [] and tab.foreign == []


def test_another_visitor_sees_nothing_of_it(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as mine, visit(browser, shop) as other:
        for tab in (mine, other):
            tab.page.goto(shop.page("/", shop.tag()))
            tab.open()
        choose(mine.page, INVOICE)
        mine.ask("What is it about?")
        other.ask("What is it about?")
        other.page.reload()
        expect(other.page.locator("article.bot[aria-busy=false]")).to_have_count(1)
        assert other.page.locator(".files li").count() == 0
        turns = shop.says.asked[-2:]
        place = str(turns[0].options.conversation_id)
        assert attached(shop.world.app.engine, turns[1].caller.scope, place) is None


def test_what_does_not_fit_is_told_in_one_sentence(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        choose(tab.page, INVOICE | {"buffer": b"x" * 1_100_000})
        expect(tab.page.get_by_role("alert")).to_have_text("The file is too large; at most 1 MB.")
        choose(tab.page, INVOICE | {"name": "run.exe"})
        expect(tab.page.get_by_role("alert").last).to_contain_text("Only these files can be attached here: .txt.")
        assert tab.page.locator(".files li").count() == 0


def test_it_is_not_offered_unless_allowed(browser: Browser, shop: HostSite) -> None:
    engine = shop.world.app.engine
    other = registry.create(engine, "Plain", registry.checked({"origins": [shop.origin]}))
    registry.change(engine, other.id, enabled=True)
    tag = shop.tag().replace(shop.widget.id, other.id)
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/plain", tag))
        tab.open()
        assert tab.page.get_by_role("button", name="Attach a file").count() == 0
