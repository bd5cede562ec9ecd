"""One browser for all tests; the pages before the stand-in, and before the product itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.site import CHROMIUM_ARGUMENTS, PATIENCE_MS, Tab, pages, sign_in, tab
from tests.e2e.installation import start, stop
from ui.fake_api import World, serve

ADMIN, PERSON, PASSWORD = "ada", "ben", "a long pass phrase"


@dataclass(frozen=True)
class Site:
    """Pages with an administrator and an ordinary account, both with the same password."""

    base: str
    reads_binary_files: bool  # the stand-in takes PDF and DOCX but cannot read them
    world: World | None  # the stand-in's memory


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the system; skips where there is none.

    Not of the session: Playwright leaves an event loop running in this thread, in which no asynchronous test can run.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium on this machine: install the package 'chromium' to run the browser tests")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages before the stand-in."""
    world = World(word_s=0.01, reading_s=1.0)
    world.add_user(ADMIN, PASSWORD, is_admin=True)
    world.add_user(PERSON, PASSWORD)
    log = tmp_path_factory.mktemp("pages") / "pages.log"
    with serve(world) as api, pages(api.url, log) as base:
        yield Site(base, reads_binary_files=False, world=world)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages before the whole product: API, worker, indexes and the language model."""
    folder = tmp_path_factory.mktemp("installed")
    running = start(folder / "data")
    try:
        with running.client() as client:
            for name, is_admin in ((ADMIN, True), (PERSON, False)):
                body = {"name": name, "password": PASSWORD, "is_admin": is_admin, "groups": []}
                client.post("/api/users", json=body).raise_for_status()
        with pages(running.url, folder / "pages.log") as base:
            yield Site(base, reads_binary_files=True, world=None)
    finally:
        stop(running)


@pytest.fixture(params=["stand_in", pytest.param("product", marks=pytest.mark.model)])
def site(request: pytest.FixtureRequest) -> Site:
    """Each test runs before the stand-in and before the product."""
    found: Site = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def admin(browser: Browser, site: Site) -> Iterator[Tab]:
    """The administrator, signed in."""
    with tab(browser, site.base) as made:
        sign_in(made, ADMIN, PASSWORD)
        yield made


@pytest.fixture
def scripted(browser: Browser, stand_in: Site) -> Iterator[tuple[Tab, World]]:
    """The administrator before the stand-in, whose answers the test prescribes."""
    assert stand_in.world is not None
    with tab(browser, stand_in.base) as made:
        sign_in(made, ADMIN, PASSWORD)
        yield made, stand_in.world
        stand_in.world.scripts.clear()
        stand_in.world.says = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
