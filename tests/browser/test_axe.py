"""axe-core finds nothing wrong with any page, and nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.axe_core import violations
from tests.browser.site import Tab, pages, sign_in, tab
from ui.fake_api import World, serve
from ui.fake_api.sample import furnish

DESKTOP = (1360, 860)
LOOKS = [("light", DESKTOP)]

# What breaks a rule in Streamlit's own markup, which our code cannot reach: the rule, a part of the element's markup,
# and why it stays. Nothing may be added to it for something of ours.
STREAMLITS_OWN = {
    ("presentation-role-conflict", 'data-testid="stFileUploaderDropzone"'): "its button inside can be focused, too",
    ("scrollable-region-focusable", "st-key-document-text"): "a container of fixed height takes no tabindex; browsers "
    "let the keyboard scroll what holds nothing to focus (Chrome 130 and later, Firefox)",
}

# A script that runs again replaces elements one by one; in between they stand on the page faded.
SETTLED = """() => !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
  && document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'"""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages before a world with documents, chats, people and widgets."""
    world = World(word_s=0.005)
    furnish(world)
    with serve(world) as api, pages(api.url, tmp_path_factory.mktemp("axe") / "pages.log") as base:
        yield base


def _opened(path: str, until: str) -> Callable[[Tab], None]:
    return lambda made: made.open(path, until)


def _answer(made: Tab) -> None:
    made.page.get_by_test_id("stChatInputTextArea").fill("How long is parental leave, and may I split it?")
    made.page.keyboard.press("Enter")
    made.answered(1)


def _source(made: Tab) -> None:
    _answer(made)
    made.page.locator("button.cite").first.click()
    expect(made.page.locator(".passage .text")).to_contain_text("26 weeks")


def _documents(made: Tab) -> None:
    made.open("/documents", "A collection is a set")
    made.page.get_by_role("button", name="Handbook").click()
    made.page.get_by_role("tab", name="Search test").wait_for()


def _document(made: Tab) -> None:
    _documents(made)
    made.page.get_by_role("button", name="Parental leave.pdf").click()
    made.page.locator(".switch").first.wait_for()


def _temporary(made: Tab) -> None:
    made.open("/", "Temporary chat")
    made.page.get_by_role("button", name="Temporary chat").click()
    made.page.get_by_text("Nothing of it is stored").wait_for()


SCENES: dict[str, Callable[[Tab], None]] = {
    "home": _opened("/", "What are the main points of"),
    "answer": _answer,
    "source": _source,
    "collections": _opened("/documents", "A collection is a set"),
    "documents": _documents,
    "document": _document,
    "temporary": _temporary,
    "help": _opened("/help", "Asking questions"),
    "skills": _opened("/skills", "Ask for what a skill does"),
    "prompts": _opened("/prompts", "Answers from documents"),
    "memory": _opened("/memory", "My locker number is 17"),
    "account": _opened("/account", "API keys"),
    "people": _opened("/people", "An account sees"),
    "models": _opened("/models", "Who is asked"),
    "widgets": _opened("/widgets", "Widgets"),
    "status": _opened("/status", "Models"),
}


def faults(made: Tab) -> list[str]:
    """Return what is wrong with the page that stands, without what is Streamlit's own."""
    found = [one for one in violations(made.page) if not _known(one.rule, one.html)]
    return [str(one) for one in found]


def _known(rule: str, html: str) -> bool:
    return any(rule == of and part in html for of, part in STREAMLITS_OWN)


def sideways(made: Tab) -> int:
    """Return by how many pixels the page is wider than the window."""
    width = "[document.documentElement, ...document.querySelectorAll('[data-testid=stMain]')]"
    return int(made.page.evaluate(f"Math.max(...{width}.map(one => one.scrollWidth - one.clientWidth))"))


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_every_page_is_accessible_and_fits(
    browser: Browser, furnished: str, scheme: str, size: tuple[int, int]
) -> None:
    found = {}
    with tab(browser, furnished, scheme, *size) as made:
        made.page.goto(f"{furnished}/sign-in")
        found["sign-in"] = faults(made)
        sign_in(made, "Ada", "analytical-engine")
        for name, scene in SCENES.items():
            if name in ("answer", "source"):
                made.open("/", "What are the main points of")
            scene(made)
            made.page.wait_for_function(SETTLED)
            found[name] = faults(made)
            if sideways(made) > 0:
                found[name].append(f"it is {sideways(made)} pixels wider than the window")
    assert not any(found.values()), "\n".join(f"{name}: {fault}" for name in found for fault in found[name])


def test_the_checker_sees_a_fault(browser: Browser, furnished: str) -> None:
    with tab(browser, furnished) as made:
        sign_in(made, "Ada", "analytical-engine")
        made.page.evaluate("document.body.append(Object.assign(new Image(), { src: 'data:,', width: 9 }))")
        assert "image-alt" in [one.rule for one in violations(made.page)]
