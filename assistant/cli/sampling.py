"""How an answer is worded, as options of `assistant ask`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli.output import Failed

Preset = Annotated[str | None, typer.Option(help="precise, balanced or creative.")]
Temperature = Annotated[float | None, typer.Option(help="0 to 2; 0 takes the likeliest word each time.")]
TopP = Annotated[float | None, typer.Option(help="Only the likeliest words that make up this share.")]
TopK = Annotated[int | None, typer.Option(help="Only so many of the likeliest words.")]
MinP = Annotated[float | None, typer.Option(help="Only words this likely, compared to the likeliest.")]
Seed = Annotated[int | None, typer.Option(help="The same seed makes the same choices.")]
MaxTokens = Annotated[int | None, typer.Option(help="Where the answer ends at the latest.")]
Stop = Annotated[list[str] | None, typer.Option(help="A text to stop before; may be given often.")]
Schema = Annotated[Path | None, typer.Option(help="A file with the JSON schema that the answer fits.")]


def fields(numbers: Mapping[str, float | None], stop: list[str] | None, schema: Path | None) -> dict[str, Any]:
    """Return the fields of a chat request that were given. Raises Failed for a schema that cannot be read."""
    body: dict[str, Any] = {name: value for name, value in numbers.items() if value is not None}
    if stop:
        body["stop"] = stop
    if schema is not None:
        try:
            made = json.loads(schema.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise Failed(f"{schema} is not a JSON schema ({error}).") from error
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": made}}
    return body
