"""Makes the first picture of the README: python -m tests.browser.product_screenshots [FOLDER].

Unlike the other pictures it shows the product as it comes: its own small models answer from the documents of
tests/e2e/documents, and the picture is taken of what they said.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser.scenes import DESKTOP, look
from tests.browser.screenshots import FOLDER, shoot
from tests.browser.site import CHROMIUM_ARGUMENTS, PATIENCE_MS, pages, sign_in, tab
from tests.e2e.installation import DOCUMENTS, start, stop

PERSON, PASSWORD = "Ada", "analytical-engine"
ASKED = ("Who has to approve flights?", "How many weeks of parental leave can parents take at full pay?")


def main(folder: Path = FOLDER) -> None:
    """Take in the documents, ask, and write answer.png."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("There is no chromium here. Install the package 'chromium'.")
    expect.set_options(timeout=PATIENCE_MS)
    with tempfile.TemporaryDirectory() as place:
        running = start(Path(place) / "data")
        try:
            body = {"name": PERSON, "password": PASSWORD, "is_admin": True, "groups": []}
            with running.client() as client:
                client.post("/api/users", json=body).raise_for_status()
            for command in (("collections", "add", "Handbook"), ("ingest", str(DOCUMENTS), "--collection", "Handbook")):
                done = running.command(*command, *(["--wait"] if command[0] == "ingest" else []))
                if done.returncode:
                    raise SystemExit(done.stderr)
            with pages(running.url, Path(place) / "log") as base, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
                with tab(browser, base) as made:
                    sign_in(made, PERSON, PASSWORD)
                    look(made, "light", DESKTOP)
                    for question in ASKED:
                        made.open("/", "What would you like to know")
                        made.ask(question)
                        made.page.locator("button.cite").first.wait_for()
                    made.page.locator("button.cite").first.click()
                    expect(made.page.locator(".passage .text")).to_contain_text("26 weeks")
                    made.page.locator(".steps summary").click()
                    made.page.mouse.move(700, 5)
                    made.page.wait_for_timeout(1_200)  # until transitions are over
                    shoot(made.page, folder / "answer.png")
                browser.close()
        finally:
            stop(running)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
