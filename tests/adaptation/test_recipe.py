"""Recipes, those that ship among them, and the adapter that one goes on from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.adaptation import recipe
from assistant.adaptation.adapter import CONFIG, SHIPPED, open_adapter, write_manifest
from assistant.adaptation.errors import AdapterError, AdapterMismatch, RecipeError
from assistant.adaptation.recipe import FOLDER, Recipe
from assistant.adaptation.start import start_of


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_recipe_that_ships_goes_on_from_an_adapter_of_its_own_shape(file: Path) -> None:
    made = recipe.load(file)
    assert start_of(made, file) == (SHIPPED / made.start if made.start else None)


def test_a_recipe_keeps_the_version_that_the_adapter_was_made_by() -> None:
    shipped = open_adapter(SHIPPED / "grounded-answer")
    assert recipe.load(shipped.folder / "recipe.yaml").version == shipped.manifest.recipe_version


def going_on(adapter: Path, recipe_text: str, **training: object) -> tuple[Recipe, Path]:
    """A recipe beside an adapter that it goes on from."""
    file = adapter.parent / "recipe.yaml"
    shape = {"rank": 2, "alpha": 4, "first_layer": 1, "modules": ["q_proj", "down_proj"]} | training
    text = recipe_text.split("training:")[0] + f"training: {json.dumps(shape)}\nstart: {adapter.name}\n"
    base = open_adapter(adapter).manifest.base_sha256
    file.write_text(text.replace("0" * 64, str(training.pop("base", base))), "utf-8")
    return recipe.load(file), file


@pytest.fixture
def shaped(adapter: Path) -> Path:
    """The small adapter, with the layers and modules that peft would name."""
    config = json.loads((adapter / CONFIG).read_text("utf-8"))
    config |= {"target_modules": ["down_proj", "q_proj"], "layers_to_transform": [1]}
    (adapter / CONFIG).write_text(json.dumps(config), "utf-8")
    write_manifest(adapter, open_adapter_facts(adapter))
    return adapter


def open_adapter_facts(folder: Path) -> dict[str, object]:
    known = json.loads((folder / "manifest.json").read_text("utf-8"))
    return {name: value for name, value in known.items() if name != "files"}


def test_a_folder_is_named_as_seen_from_the_recipe(shaped: Path, recipe_text: str) -> None:
    assert start_of(*going_on(shaped, recipe_text)) == shaped


def test_another_shape_another_base_model_or_a_damaged_folder_is_refused(shaped: Path, recipe_text: str) -> None:
    with pytest.raises(RecipeError, match="rank, alpha, modules and first_layer"):
        start_of(*going_on(shaped, recipe_text, rank=3))
    made, file = going_on(shaped, recipe_text)
    with pytest.raises(AdapterMismatch, match="belongs to the base model"):
        start_of(made.model_copy(update={"base_sha256": "1" * 64}), file)
    with pytest.raises(AdapterError, match="no complete adapter folder"):
        start_of(made.model_copy(update={"start": "absent"}), file)
