"""Answers, sources, names and errors written by an attacker: nothing runs, and nothing leaves the browser by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.carriers import HOST, numbered
from tests.browser.conftest import ADMIN, PASSWORD
from tests.browser.site import Tab, pages, sign_in, tab
from ui.fake_api import World, serve
from ui.fake_api.records import FakeConversation
from ui.fake_api.world import Script

AT_ONCE = 15


@pytest.fixture(scope="module")
def hostile(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tab, World]]:
    """An administrator whose documents, names and answers are all carriers."""
    world = World(word_s=0.004)
    world.add_user(ADMIN, PASSWORD, is_admin=True)
    carriers = numbered()
    world.add_user(carriers[0], "a long pass phrase", groups=(carriers[20],))
    collection = world.add_collection(carriers[1], ("everyone",), carriers[21])
    text = "\n\n".join(f"# {carrier}\n\ncarrier facts: {carrier}" for carrier in carriers[:40])
    world.add_document(collection, f"{carriers[0]}{carriers[22]}.md", text, uploaded_by=carriers[0])
    broken = world.add_document(collection, f"{carriers[23]}.md", "x")
    broken.reason = carriers[0] + carriers[24]
    log = tmp_path_factory.mktemp("hostile") / "pages.log"
    with serve(world) as api, pages(api.url, log) as base, tab(browser, base) as made:
        sign_in(made, ADMIN, PASSWORD)
        yield made, world


def assert_quiet(made: Tab) -> None:
    """Nothing was fetched from elsewhere, nothing ran, and the browser's policy had nothing to stop."""
    made.page.wait_for_timeout(800)
    assert made.foreign == [] and made.dialogs == [] and made.bugs == [] and made.violations == []


def test_the_watch_sees_what_a_careless_page_would_do(browser: Browser, hostile: tuple[Tab, World]) -> None:
    base = hostile[0].base
    with tab(browser, base) as careless:
        careless.page.goto("about:blank")
        with careless.page.expect_request(f"{HOST}/control"):
            careless.page.set_content(f"<img src='{HOST}/control'><script>alert(1)</script>")
        assert careless.foreign and careless.dialogs
    with tab(browser, base) as guarded:
        guarded.page.goto(base + "/sign-in")
        with guarded.page.expect_console_message(lambda line: line.text.startswith("policy:")):
            guarded.page.evaluate(f"document.body.insertAdjacentHTML('beforeend', \"<img src='{HOST}/control'>\")")
        assert guarded.violations  # and the browser sent nothing: the second line of defence


@pytest.mark.parametrize("start", range(0, len(numbered()), AT_ONCE))
def test_an_answer_stays_text_while_it_streams_and_from_history(hostile: tuple[Tab, World], start: int) -> None:
    made, world = hostile
    group = numbered()[start : start + AT_ONCE]
    world.scripts.insert(0, Script(f"carrier group {start}.", "\n\n".join(group), cite=4))
    made.open("/", "What would you like to know")
    made.ask(f"Please show carrier group {start}.")
    assert_quiet(made)
    streamed = made.page.locator("article.answer .text").inner_text()
    made.page.reload()
    made.answered(1)
    assert made.page.locator("article.answer .text").inner_text() == streamed
    tags = made.page.locator("article.answer .text").evaluate(
        "text => [...new Set([...text.querySelectorAll('*')].map(one => one.tagName.toLowerCase()))]"
    )
    assert not {"img", "svg", "iframe", "script", "style", "video", "object", "embed", "link", "form"} & set(tags)
    assert_quiet(made)


def test_sources_and_their_cards_stay_text(hostile: tuple[Tab, World]) -> None:
    made, world = hostile
    world.scripts.insert(0, Script("hostile sources", "So it is [1], [2].", cite=4))
    made.open("/", "What would you like to know")
    made.ask("Show the hostile sources, with carrier facts please")
    chip = made.point_at_a_source()
    expect(made.page.locator(".card .quote")).to_be_visible()
    chip.click()
    expect(made.page.locator(".passage .text")).to_contain_text("carrier facts")
    assert_quiet(made)


def test_names_titles_and_reasons_stay_text(hostile: tuple[Tab, World], tmp_path: Path) -> None:
    made, world = hostile
    carriers = numbered()
    collection, document = next(iter(world.collections)), next(iter(world.documents))
    mine = next(user.id for user in world.users.values() if user.name == ADMIN)
    past = FakeConversation(owner=mine, title=carriers[0] + carriers[50])
    world.conversations[past.id] = past
    places = (
        ("/documents", "A collection is a set"),
        (f"/documents?collection={collection}", "Failed"),
        (f"/documents?collection={collection}&view=Access+and+settings", "Delete this collection"),
        (f"/documents?document={document}", "What was read"),
        ("/people", "An account sees"),
        ("/people?people=Groups", "Delete"),
        ("/status", "Models"),
        ("/account", "API keys"),
    )
    for path, text in places:
        made.open(path, text)
        assert_quiet(made)
    expect(made.page.get_by_test_id("stSidebar")).to_contain_text(HOST)
    made.open(f"/documents?collection={collection}", "Failed")
    expect(made.page.locator("tr", has_text="Failed")).to_contain_text(HOST)


def test_a_link_shows_its_host_and_waits_for_a_click(hostile: tuple[Tab, World]) -> None:
    made, world = hostile
    world.scripts.insert(0, Script("a link", f"See [the intranet]({HOST}/x) or ![a chart]({HOST}/y)."))
    made.open("/", "What would you like to know")
    made.ask("Give me a link")
    link = made.page.locator("article.answer a", has_text="the intranet")
    expect(link).to_contain_text("(canary.invalid)")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(made.page.locator("article.answer .image")).to_contain_text("Image not loaded: a chart")
    assert_quiet(made)
