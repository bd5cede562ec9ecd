"""Makes the pictures of the documentation: python -m tests.browser.screenshots [FOLDER [PART_OF_A_NAME]].

The pages run before the stand-in API with a furnished world, so the pictures come out the same on every machine.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.site import CHROMIUM_ARGUMENTS, PATIENCE_MS, Tab, pages, sign_in, tab
from ui.fake_api import World, serve
from ui.fake_api.sample import furnish, rewind

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
DESKTOP, PHONE = (1360, 860), (390, 844)
LEAVE = "How long is parental leave, and may I split it?"
Scene = Callable[[Tab], None]


def main(folder: Path = FOLDER, only: str = "") -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    world = World(word_s=0.005)
    furnish(world)
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("There is no chromium here. Install the package 'chromium'.")
    with (
        tempfile.TemporaryDirectory() as log,
        serve(world) as api,
        pages(api.url, Path(log) / "log") as base,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        for name, scheme, size, scene in SCENES:
            if only not in name:
                continue
            rewind(world)
            _take(browser, base, folder / f"{name}.png", scheme, size, scene)
        browser.close()


def _take(browser: Browser, base: str, file: Path, scheme: str, size: tuple[int, int], scene: Scene) -> None:
    with tab(browser, base, scheme, *size) as made:
        if not file.name.startswith("sign-in"):
            sign_in(made, "Ada", "analytical-engine")
        scene(made)
        made.page.mouse.move(size[0] / 2, 5)
        made.page.wait_for_timeout(2_500)  # until the skeletons and transitions are over
        made.page.screenshot(path=file)
    print(file.name)


def _sign_in(made: Tab) -> None:
    made.page.goto(made.base + "/sign-in")


def _home(made: Tab) -> None:
    made.open("/", "What are the main points of")


def _answer(made: Tab) -> None:
    made.page.get_by_test_id("stSidebar").get_by_role("button", name="How long is parental leave").first.click()
    made.answered(1)
    made.page.locator("button.cite").first.wait_for()


def _source(made: Tab) -> None:
    _answer(made)
    made.page.locator("button.cite").nth(2).click()
    expect(made.page.locator(".passage .text")).to_contain_text("eight weeks")
    made.page.locator(".steps summary").click()


def _phone_answer(made: Tab) -> None:
    made.page.get_by_test_id("stChatInputTextArea").fill(LEAVE)
    made.page.keyboard.press("Enter")
    made.answered(1)
    made.page.locator("button.cite").first.wait_for()


def _phone_source(made: Tab) -> None:
    _phone_answer(made)
    made.page.locator("button.cite").first.click()
    expect(made.page.locator(".passage .text")).to_contain_text("26 weeks")


def _abstention(made: Tab) -> None:
    made.ask("Is the leave for adopting a dog paid?")
    made.page.locator(".near").first.wait_for()


def _collections(made: Tab) -> None:
    made.open("/documents", "A collection is a set")


def _documents(made: Tab) -> None:
    _collections(made)
    made.page.get_by_role("button", name="Handbook").click()
    made.page.locator(".chip.running").wait_for()


def _document(made: Tab) -> None:
    _documents(made)
    made.page.get_by_role("button", name="Parental leave.pdf").click()
    made.page.get_by_text("What was read").wait_for()
    made.page.locator(".switch").first.wait_for()


def _search_test(made: Tab) -> None:
    _documents(made)
    made.page.get_by_role("tab", name="Search test").click()
    made.page.get_by_label("What would somebody ask?").fill("report a lost laptop")
    made.page.get_by_role("button", name="Search", exact=True).click()
    made.page.locator(".score").first.wait_for()


def _status(made: Tab) -> None:
    made.open("/status", "Models")


def _people(made: Tab) -> None:
    made.open("/people", "An account sees")


def _approval(made: Tab) -> None:
    made.ask("Please open a ticket: the printer on floor 3 does not print")
    made.page.get_by_role("button", name="Approve").wait_for()


def _skills(made: Tab) -> None:
    made.open("/skills", "Ask for what a skill does")


def _skill_sources(made: Tab) -> None:
    _skills(made)
    made.page.get_by_role("tab", name="Sources").click()
    made.page.get_by_role("button", name="Add skills").wait_for()


def _memory(made: Tab) -> None:
    made.open("/memory", "My locker number is 17")


def _prompt_versions(made: Tab) -> None:
    made.open("/prompts?prompt=grounded_answer", "Versions")
    made.page.get_by_role("tab", name="Versions").click()
    made.page.get_by_text("Version 1").first.click()


SCENES: tuple[tuple[str, str, tuple[int, int], Scene], ...] = (
    ("sign-in", "light", DESKTOP, _sign_in),
    ("home", "light", DESKTOP, _home),
    ("answer", "light", DESKTOP, _answer),
    ("source", "light", DESKTOP, _source),
    ("source-dark", "dark", DESKTOP, _source),
    ("abstention", "light", DESKTOP, _abstention),
    ("collections", "light", DESKTOP, _collections),
    ("documents", "light", DESKTOP, _documents),
    ("document", "light", DESKTOP, _document),
    ("search-test-dark", "dark", DESKTOP, _search_test),
    ("people", "light", DESKTOP, _people),
    ("memory", "light", DESKTOP, _memory),
    ("prompt-versions", "light", DESKTOP, _prompt_versions),
    ("status-dark", "dark", DESKTOP, _status),
    ("approval", "light", DESKTOP, _approval),
    ("skills", "light", DESKTOP, _skills),
    ("skill-sources-dark", "dark", DESKTOP, _skill_sources),
    ("phone", "light", PHONE, _phone_answer),
    ("phone-source-dark", "dark", PHONE, _phone_source),
)

if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]), *sys.argv[2:3])
