"""The adapter that a recipe goes on from, instead of beginning with an untrained one."""

from __future__ import annotations

import json
from pathlib import Path

from assistant.adaptation.adapter import CONFIG, MANIFEST, SHIPPED, open_adapter
from assistant.adaptation.errors import AdapterMismatch, RecipeError
from assistant.adaptation.recipe import Recipe


def start_of(recipe: Recipe, recipe_file: Path) -> Path | None:
    """Return the folder of the adapter that `recipe` goes on from, None where it begins anew.

    Raises AdapterError when the folder is damaged, AdapterMismatch when it belongs to another base model, RecipeError
    when its shape is not the recipe's.
    """
    if not recipe.start:
        return None
    shipped = SHIPPED / recipe.start
    folder = shipped if (shipped / MANIFEST).exists() else recipe_file.parent / recipe.start
    adapter = open_adapter(folder)
    if adapter.manifest.base_sha256 != recipe.base_sha256:
        raise AdapterMismatch(
            f"The recipe goes on from {adapter.manifest.name!r}, which belongs to the base model "
            f"{adapter.manifest.base_sha256[:12]}, not {recipe.base_sha256[:12]}. Name another one in 'start'."
        )
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    training = recipe.training
    wanted = (training.rank, training.alpha, sorted(training.modules), training.first_layer)
    layers = config.get("layers_to_transform") or [0]
    found = (config["r"], config["lora_alpha"], sorted(config.get("target_modules", ())), min(layers))
    if wanted != found:
        raise RecipeError(
            f"The adapter {adapter.manifest.name!r} has rank, alpha, modules and first_layer {found}, the recipe "
            f"{wanted}. Write those of the adapter into 'training'."
        )
    return folder
