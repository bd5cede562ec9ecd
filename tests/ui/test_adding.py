"""The forms that add skills, in process against the stand-in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.fake_api import FakeApi, World
from ui.skills import adding

from .conftest import user
from .test_pages import press, shown

OpenPage = Callable[..., AppTest]


def _document() -> None:
    from ui.skills import adding

    adding.document()


def _module() -> None:
    from ui.skills import adding

    adding.module()


def _server() -> None:
    from ui.skills import adding

    adding._address("mcp", "https://wiki.example/mcp")


def opened(fake: FakeApi, form: Callable[[], None]) -> AppTest:
    """Return a form; it stands in a dialog, which the browser test opens."""
    app = AppTest.from_function(form, default_timeout=60)
    app.session_state["token"] = fake.world.sign_in(user(fake.world, "ada"))
    return app.run()


@pytest.fixture
def pasting(fake: FakeApi) -> AppTest:
    """The form for an OpenAPI document that is pasted."""
    app = opened(fake, _document)
    app.segmented_control[0].set_value("Text").run()
    return app


def write(app: AppTest, label: str, text: str) -> None:
    """Type into a field of a form."""
    next(one for one in (*app.text_input, *app.text_area) if one.label == label).set_value(text)


def test_a_document_is_pasted_and_shows_where_it_came_from(pasting: AppTest, open_page: OpenPage, world: World) -> None:
    write(pasting, "Name", "shop")
    write(pasting, "Document, JSON or YAML", "openapi: 3.1.0")
    press(pasting, "Add")
    assert "give the base address" in pasting.error[0].value and not world.origins
    write(pasting, "Base address (where the document names none)", "https://shop.example")
    press(pasting, "Add")
    assert not pasting.exception and world.origins == {"openapi:shop": "pasted"}
    page = open_page("ada", "skills", query={"skills-tab": "Sources"})
    assert "1 skill; pasted" in shown(page)
    page.button(key="test-openapi:shop").click().run()
    assert "shop.example answers" in shown(page).replace("\\", "")


def test_a_form_without_a_document_or_with_wrong_options_says_so(pasting: AppTest, world: World) -> None:
    press(pasting, "Add")
    assert "paste the document" in pasting.error[0].value
    write(pasting, "Document, JSON or YAML", "openapi: 3.1.0")
    write(pasting, "Other options of an entry, as a JSON object", "[1]")
    press(pasting, "Add")
    assert "JSON object" in pasting.error[0].value and not world.origins


def test_options_are_fields_and_a_secret_is_stored_along(fake: FakeApi, world: World) -> None:
    world.secrets["shop"] = "old"  # in a browser, a new name may be typed, too
    app = opened(fake, _document)
    app.segmented_control[0].set_value("Text").run()
    app.selectbox(key="sign-openapi").set_value("api_key").run()
    write(app, "Name", "shop")
    write(app, "Document, JSON or YAML", "openapi: 3.1.0\nservers: []")
    app.multiselect[0].set_value(["get", "post"])
    write(app, "Put before each name", "shop_")
    write(app, "Offer these alone", "findPets, addPet")
    press(app, "Add")
    assert "Secret" in app.error[0].value and not world.options
    next(one for one in app.selectbox if one.label == "Secret").set_value("shop")
    write(app, "Its value", "s3cret")
    write(app, "Other options of an entry, as a JSON object", '{"readers": ["group:sales"]}')
    press(app, "Add")
    assert not app.exception and not app.error
    assert world.secrets == {"shop": "s3cret"}
    assert world.options["shop"] == {
        "verbs": ["get", "post"],
        "prefix": "shop_",
        "only": ["findPets", "addPet"],
        "auth": {"kind": "api_key", "where": "header", "secret": "shop"},
        "readers": ["group:sales"],
    }


def test_a_server_is_told_which_of_its_tools_only_read(fake: FakeApi, world: World) -> None:
    app = opened(fake, _server)
    assert "The person's own token" not in app.selectbox(key="sign-mcp").options
    write(app, "Name", "wiki")
    write(app, "Address", "https://wiki.example/mcp")
    write(app, "Tools that change nothing (the others ask first)", "search read")
    press(app, "Add")
    assert not app.exception and world.options["wiki"] == {"reads": ["search", "read"]}


def test_a_module_is_pasted(fake: FakeApi, world: World) -> None:
    app = opened(fake, _module)
    app.segmented_control[0].set_value("Text").run()
    press(app, "Add")
    assert "name" in app.error[0].value and not world.files
    write(app, "Name", "orders")
    write(app, "Code", "print()")
    press(app, "Add")
    assert not app.exception and list(world.files) == ["orders.py"]


def test_a_source_is_named_after_its_file() -> None:
    assert adding.stem("my shop (v2).yaml") == "my-shop--v2" and adding.stem("über.json") == "ber"
    assert adding.stem("") == ""
