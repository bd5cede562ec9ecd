"""The base model that ships: where its file lies, and the form of it that training reads."""

from __future__ import annotations

from pathlib import Path

from assistant.adaptation.adapter import sha256
from assistant.adaptation.errors import AdapterMismatch, BaseModelMissing
from assistant.adaptation.recipe import Recipe
from assistant.models import weights
from assistant.models.errors import WeightsInvalid


def packaged(models_dir: Path) -> Path:
    """Return the GGUF file of the model that ships; raises BaseModelMissing when it is not installed or damaged."""
    try:
        return weights.packaged(models_dir)
    except WeightsInvalid as exc:
        raise BaseModelMissing(str(exc)) from exc


def checked(path: Path, recipe: Recipe) -> Path:
    """Return `path` when it is the very file that the recipe names, else raise AdapterMismatch or BaseModelMissing."""
    if not path.is_file():
        raise BaseModelMissing(f"There is no base model at {str(path)!r}. Give the path of a GGUF file.")
    if (found := sha256(path)) != recipe.base_sha256:
        raise AdapterMismatch(
            f"The recipe {recipe.name!r} is for {recipe.base_model!r} ({recipe.base_sha256[:12]}) but {path.name!r} is "
            f"{found[:12]}. Use that file, or change base_model and base_sha256 in the recipe."
        )
    return path
