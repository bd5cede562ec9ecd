"""Makes the pictures of the widget for the documentation: python -m tests.browser.widget_screenshots [FOLDER]."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from assistant.database import migrate
from assistant.widgets import registry
from knowledge.database import connect
from tests.browser.host_site import HostSite, site, visit
from tests.browser.screenshots import FOLDER, shoot
from tests.browser.site import CHROMIUM_ARGUMENTS

PAGE = "<style>body { font: 18px/1.6 Georgia, serif; margin: 60px; max-width: 620px; color-scheme: light dark }</style>"
TEXT = "<p>Lamps, shelves and other things that last.</p>" * 3
ANSWER = (
    "You can send anything back within **30 days** [1].\n\n- Keep the parcel's label\n- The refund takes a week\n\n"
    "Furniture is collected by us."
)
SCENES = [
    ("widget-light", "light", 1100, "en"),
    ("widget-dark", "dark", 1100, "en"),
    ("widget-phone", "light", 390, "en"),
    ("widget-arabic", "light", 1100, "ar"),
]


def main(folder: Path = FOLDER) -> None:
    """Take all pictures."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("There is no chromium here. Install the package 'chromium'.")
    with tempfile.TemporaryDirectory() as temporary:
        empty, data = Path(temporary) / "empty", Path(temporary) / "data"
        empty.mkdir()
        data.mkdir()
        engine = connect(f"sqlite:///{empty}/assistant.db")
        migrate(engine, empty)
        engine.dispose()
        with site(data, empty / "assistant.db") as shop, sync_playwright() as playwright:
            _furnish(shop)
            browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
            for name, scheme, width, language in SCENES:
                _take(browser, shop, folder / f"{name}.png", scheme, width, language)
            browser.close()


def _furnish(shop: HostSite) -> None:
    shop.says.texts |= {"Can I send a lamp back?": ANSWER, "title": "Returns and refunds"}
    words = {"greeting": "Hello! How can we help?", "questions": ["Where is my parcel?"]}
    words |= {"disclaimer": "Answers are made by a machine from our help pages."}  # type: ignore[dict-item]
    changes = {"words": words, "look": {"title": "Lumen help"}, "hand_over": {"mail": "help@example.com"}}
    registry.change(shop.world.app.engine, shop.widget.id, changes=changes)


def _take(browser: Browser, shop: HostSite, file: Path, scheme: str, width: int, language: str) -> None:
    size = {"width": width, "height": 780}
    with visit(browser, shop, viewport=size, color_scheme=scheme) as tab:
        meta = "<meta name=viewport content='width=device-width'>"
        tab.page.goto(shop.page("/", TEXT + shop.tag(lang=language), head=meta + PAGE))
        tab.open()
        tab.ask("Can I send a lamp back?")
        tab.page.wait_for_timeout(500)
        shoot(tab.page, file)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
