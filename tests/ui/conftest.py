"""The stand-in API on loopback, and the pages run in process against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui import settings
from ui.client import Api
from ui.fake_api import FakeApi, World, serve
from ui.fake_api.records import FakeUser
from ui.settings import UiSettings
from ui.transport import connect

MAIN = Path(__file__).parents[2] / "ui" / "main.py"
HANDBOOK = (
    "# Leave\n\nParental leave lasts 26 weeks at full pay.\n\nTell the people team eight weeks before.\n\n"
    "# Travel\n\nA hotel is paid up to 140 euros per night."
)
OpenPage = Callable[..., AppTest]


@pytest.fixture
def world() -> World:
    """An administrator, an ordinary account, a collection that all may read and one that only managers may."""
    made = World()
    made.add_user("ada", "analytical-engine", is_admin=True)
    made.add_user("ben", "difference-engine")
    made.add_document(made.add_collection("Handbook", ("everyone",)), "handbook.md", HANDBOOK)
    secret = made.add_collection("Board", ("group:managers",))
    made.add_document(secret, "merger.md", "The merger with Globex closes in May.")
    return made


@pytest.fixture
def fake(world: World) -> Iterator[FakeApi]:
    """The stand-in, serving `world`; the pages of this process point at it."""
    with serve(world) as running:
        settings.configure(UiSettings(api_url=running.url))
        yield running
        settings.configure(UiSettings())


def user(world: World, name: str) -> FakeUser:
    """Return the account with that name."""
    return next(one for one in world.users.values() if one.name == name)


@pytest.fixture
def api(fake: FakeApi) -> Iterator[Api]:
    """The client, signed in as the administrator."""
    with connect(fake.url) as pool:
        yield Api(pool, fake.world.sign_in(user(fake.world, "ada")))


@pytest.fixture
def open_page(fake: FakeApi) -> OpenPage:
    """Open the pages as somebody; `query` is the address's query, `script` the page's file."""

    def opened(name: str = "ada", script: str | None = None, query: dict[str, str] | None = None) -> AppTest:
        # Twice the usual time and more: the first run imports Streamlit's own parts while other tests use the cores.
        app = AppTest.from_file(str(MAIN), default_timeout=60)
        app.session_state["token"] = fake.world.sign_in(user(fake.world, name))
        if script is None:
            app.query_params.update(query or {})
            return app.run()
        app.run()
        app.switch_page(f"app_pages/{script}.py")
        app.query_params.update(query or {})
        return app.run()

    return opened
