"""What there is to look at: every page of the navigation, and what opens on them. For axe-core and for pictures."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import TimeoutError, expect

from tests.browser.site import PATIENCE_MS, Tab

Scene = Callable[[Tab], None]
LEAVE = "How long is parental leave, and may I split it?"
DESKTOP, PHONE = (1360, 860), (390, 844)

# A script that runs again replaces elements one by one; in between they stand on the page faded.
SETTLED = """() => !document.querySelector('[data-testid="stApp"]') && !document.querySelector('#root')
  || !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
  && document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'"""
# Streamlit draws the other colour scheme a moment later than style sheets do, and some colours pass over slowly.
COLOURED = """(scheme) => {
  const app = document.querySelector('[data-testid="stApp"]')
  if (!app) return true
  const [red] = getComputedStyle(app).backgroundColor.match(/\\d+/g)
  return (red > 127) === (scheme === 'light') && !document.getAnimations().some(one => one instanceof CSSTransition)
}"""
_LINKS = """() => [...document.querySelectorAll('[data-testid="stSidebar"] a[href]')]
  .map(one => new URL(one.href)).filter(one => one.origin === location.origin).map(one => one.pathname)"""


def settle(made: Tab) -> None:
    """Wait until the page stands as it will stay; the doors are no pages of Streamlit, and stand at once."""
    made.page.wait_for_function(SETTLED)


def everywhere(made: Tab) -> list[str]:
    """Return the paths of all pages that the navigation leads to, and of those behind the account's menu."""
    # The field of the chat, for which signing in waits, stands before the navigation does.
    made.page.get_by_test_id("stSidebar").get_by_role("link", name="Documents").wait_for()
    settle(made)
    found: list[str] = made.page.evaluate(_LINKS)
    return [*dict.fromkeys(found), "/account", "/help"]


def visit(made: Tab, path: str) -> None:
    """Open a page and wait for its heading."""
    made.page.goto(made.base + path)
    made.page.get_by_test_id("stMain").get_by_role("heading", level=1).first.wait_for()
    settle(made)


def look(made: Tab, scheme: str, size: tuple[int, int]) -> None:
    """Look at the same page in another colour scheme and through another window."""
    settle(made)  # what is drawn anew fades, and a faded text has too little contrast
    made.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # "light" or "dark"
    made.page.set_viewport_size({"width": size[0], "height": size[1]})
    _recoloured(made, scheme)
    settle(made)


def _recoloured(made: Tab, scheme: str) -> None:
    """Wait until the page has the colours of `scheme`; Streamlit misses a change that comes while it still draws."""
    for _ in range(5):
        try:
            made.page.wait_for_function(COLOURED, arg=scheme, timeout=PATIENCE_MS / 6)
            return
        except TimeoutError:
            other = "dark" if scheme == "light" else "light"
            made.page.emulate_media(color_scheme=other)  # type: ignore[arg-type]  # "light" or "dark"
            made.page.evaluate("() => new Promise(requestAnimationFrame)")
            made.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # "light" or "dark"
    made.page.wait_for_function(COLOURED, arg=scheme)


def answer(made: Tab) -> None:
    """An answer with its sources."""
    visit(made, "/")
    made.ask(LEAVE)
    made.page.locator("button.cite").first.wait_for()


def source(made: Tab) -> None:
    """The pane that shows a source; the answer stands already."""
    made.page.locator("button.cite").first.click()
    expect(made.page.locator(".passage .text")).to_contain_text("26 weeks")


def read_source(made: Tab) -> None:
    """An answer, how it came about, and one of its sources."""
    answer(made)
    made.page.locator("button.cite").nth(2).click()
    expect(made.page.locator(".passage .text")).to_contain_text("eight weeks")
    if made.page.viewport_size == {"width": DESKTOP[0], "height": DESKTOP[1]}:
        made.page.locator(".steps summary").click()


def abstention(made: Tab) -> None:
    """An answer that says it found nothing, with the closest passages."""
    visit(made, "/")
    made.ask("Is the leave for adopting a dog paid?")
    made.page.locator(".near").first.wait_for()


def approval(made: Tab) -> None:
    """A call of a skill that waits."""
    visit(made, "/")
    made.ask("Please open a ticket: the printer on floor 3 does not print")
    made.page.get_by_role("button", name="Approve").wait_for()


def temporary(made: Tab) -> None:
    """A chat of which nothing is stored."""
    visit(made, "/")
    made.page.get_by_role("button", name="Temporary chat").click()
    made.page.get_by_text("Nothing of it is stored").wait_for()


def shared(made: Tab) -> None:
    """A chat that somebody shared."""
    made.open("/?shared=sample", "You can read it")


def dialog(action: str) -> Scene:
    """Return the scene of a dialog of a chat's menu."""

    def scene(made: Tab) -> None:
        if made.page.get_by_test_id("stSidebar").get_by_role("button", name="Actions").count() == 0:
            visit(made, "/")
        chat = made.page.get_by_test_id("stSidebar").locator("[class*='st-key-past-'], [class*='st-key-here-']").first
        chat.hover()
        chat.get_by_role("button", name="Actions").click()
        made.page.get_by_text(action, exact=True).last.click()
        made.page.get_by_role("dialog").wait_for()

    return scene


def collection(made: Tab) -> None:
    """The documents of one collection."""
    visit(made, "/documents")
    made.page.get_by_role("button", name="Handbook").click()
    made.page.get_by_role("tab", name="Search test").wait_for()
    made.page.locator(".chip").first.wait_for()


def document(made: Tab) -> None:
    """One document; its collection stands open."""
    made.page.get_by_role("button", name="Parental leave.pdf").click()
    made.page.get_by_text("What was read").wait_for()
    made.page.locator(".switch").first.wait_for()


def read_document(made: Tab) -> None:
    """One document, from the start."""
    collection(made)
    document(made)


def search_test(made: Tab) -> None:
    """What a search finds in a collection."""
    collection(made)
    made.page.get_by_role("tab", name="Search test").click()
    made.page.get_by_label("What would somebody ask?").fill("report a lost laptop")
    made.page.get_by_role("button", name="Search", exact=True).click()
    made.page.locator(".score").first.wait_for()


def skill_sources(made: Tab) -> None:
    """Where skills come from."""
    visit(made, "/skills")
    made.page.get_by_role("tab", name="Sources").click()
    made.page.get_by_role("button", name="Add skills").wait_for()


def prompt_versions(made: Tab) -> None:
    """What changed in a prompt."""
    made.open("/prompts?prompt=grounded_answer", "Versions")
    made.page.get_by_role("tab", name="Versions").click()
    made.page.get_by_text("Version 1").first.click()
    made.page.get_by_role("button", name="Make it live").first.wait_for()


def widget(made: Tab) -> None:
    """The settings of a widget."""
    visit(made, "/widgets")
    made.page.get_by_role("button", name="Open", exact=True).first.click()
    made.page.get_by_role("tab", name="Install").wait_for()


def page(path: str) -> Scene:
    """Return the scene of a page of the navigation."""
    return lambda made: visit(made, path)
