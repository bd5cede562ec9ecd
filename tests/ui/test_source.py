"""Rules that the source of the pages keeps."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from streamlit.web.server.starlette.starlette_app import _validate_run_config

from ui import look
from ui.settings import UiSettings

UI = Path(__file__).parents[2] / "ui"
PYTHON = sorted(path for path in UI.rglob("*.py") if "widget" not in path.parts)
SCRIPTS = sorted(path for path in (UI / "components").glob("*.js"))


def attributes(path: Path) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}


def arguments(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text("utf-8")))
    return {word.arg for node in tree if isinstance(node, ast.Call) for word in node.keywords if word.arg}


ALLOWED = {
    "preview.py": {"iframe"},  # a page of our own doors, whose policy lets it talk to nobody
    "pictures.py": {"image"},  # bytes that this process wrote itself, never an address
}


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(UI)))
def test_hands_no_html_to_streamlit_and_shares_no_cache_between_people(path: Path) -> None:
    assert not {"unsafe_allow_html", "unsafe_allow_javascript"} & arguments(path)
    assert not {"cache_data", "cache_resource", "image", "iframe", "video", "audio", "pdf"} & attributes(
        path
    ) - ALLOWED.get(path.name, set())
    if path.name != "shell.py":  # which hands over our own style sheet
        assert not re.search(r"\bst\.html\(", path.read_text("utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_builds_elements_from_text_only(path: Path) -> None:
    code = path.read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser"):
        assert word not in code, word
    for tag in ("img", "iframe", "video", "audio", "object", "embed", "script", "link", "style", "source"):
        assert f'el("{tag}"' not in code, tag


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(UI)))
def test_fits_on_a_screen_or_a_few(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300


def test_sets_only_options_that_streamlit_knows() -> None:
    options = look.options(UiSettings(host="127.0.0.1", port=8501))
    assert _validate_run_config(options) == options
    assert options["browser.gatherUsageStats"] is False and options["client.showErrorDetails"] == "none"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_has_enough_contrast_to_be_read(mode: str) -> None:
    options = look.options(UiSettings())

    def shade(name: str) -> float:
        value = str(options[f"theme.{mode}.{name}"]).lstrip("#")
        parts = [int(value[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(ink: str, paper: str) -> float:
        light, dark = sorted((shade(ink), shade(paper)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    # 4.5 is what WCAG 2 asks of text, level AA.
    assert contrast("textColor", "backgroundColor") > 10
    for ink in ("primaryColor", "linkColor", "grayTextColor"):
        assert contrast(ink, "backgroundColor") >= 4.5, ink
    for name in ("green", "blue", "orange", "red", "gray"):
        assert contrast(f"{name}TextColor", f"{name}BackgroundColor") >= 4.5, name
