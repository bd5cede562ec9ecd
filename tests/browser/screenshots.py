"""Makes the pictures of the documentation: python -m tests.browser.screenshots [FOLDER [PART_OF_A_NAME]].

The pages run before the stand-in API with a furnished world, so the pictures come out the same on every machine.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import scenes
from tests.browser.scenes import DESKTOP, PHONE, Scene
from tests.browser.site import CHROMIUM_ARGUMENTS, PATIENCE_MS, Tab, pages, sign_in, tab
from ui.fake_api import World, serve
from ui.fake_api.sample import furnish, rewind

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
COLOURS = 256  # of a picture: a third of the bytes, and no difference to the eye on pages of few colours


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
        with tab(browser, base) as made:
            made.page.goto(base + "/sign-in")
            _take(made, folder / "sign-in.png")
            sign_in(made, "Ada", "analytical-engine")
            for name, scheme, size, scene in SCENES:
                if only in name:
                    rewind(world)
                    scenes.look(made, scheme, size)
                    scene(made)
                    _take(made, folder / f"{name}.png")
                    if made.page.get_by_role("dialog").count():
                        made.close_dialog()
        browser.close()


def _take(made: Tab, file: Path) -> None:
    scenes.settle(made)
    made.page.mouse.move(700, 5)
    made.page.wait_for_timeout(1_200)  # until transitions are over
    shoot(made.page, file)


def shoot(page: Page, file: Path) -> None:
    """Write a picture of the page as it stands."""
    with Image.open(io.BytesIO(page.screenshot())) as taken:
        few = taken.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(file, optimize=True)
    print(file.name)


SCENES: tuple[tuple[str, str, tuple[int, int], Scene], ...] = (
    ("home", "light", DESKTOP, scenes.page("/")),
    ("source", "light", DESKTOP, scenes.read_source),
    ("source-dark", "dark", DESKTOP, scenes.read_source),
    ("abstention", "light", DESKTOP, scenes.abstention),
    ("approval", "light", DESKTOP, scenes.approval),
    ("share", "light", DESKTOP, scenes.dialog("Share")),
    ("shared-dark", "dark", DESKTOP, scenes.shared),
    ("temporary", "light", DESKTOP, scenes.temporary),
    ("collections", "light", DESKTOP, scenes.page("/documents")),
    ("documents", "light", DESKTOP, scenes.collection),
    ("document", "light", DESKTOP, scenes.read_document),
    ("search-test-dark", "dark", DESKTOP, scenes.search_test),
    ("assistants", "light", DESKTOP, scenes.page("/assistants")),
    ("skills", "light", DESKTOP, scenes.page("/skills")),
    ("skill-sources-dark", "dark", DESKTOP, scenes.skill_sources),
    ("memory", "light", DESKTOP, scenes.page("/memory")),
    ("prompt-versions", "light", DESKTOP, scenes.prompt_versions),
    ("people", "light", DESKTOP, scenes.page("/people")),
    ("ratings", "light", DESKTOP, scenes.page("/ratings")),
    ("curated", "light", DESKTOP, scenes.page("/curated")),
    ("models", "light", DESKTOP, scenes.page("/models")),
    ("widget-settings", "light", DESKTOP, scenes.widget),
    ("status-dark", "dark", DESKTOP, scenes.page("/status")),
    ("help", "light", DESKTOP, scenes.page("/help")),
    ("phone", "light", PHONE, scenes.answer),
    ("phone-source-dark", "dark", PHONE, scenes.read_source),
    ("phone-documents", "light", PHONE, scenes.collection),
)

if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]), *sys.argv[2:3])
