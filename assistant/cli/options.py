"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from assistant.settings import Settings

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]
CollectionNames = Annotated[
    list[str] | None, typer.Option("--collection", help="Only these collections; may be given several times.")
]
AsUser = Annotated[str | None, typer.Option("--as", help="With the rights of this user.")]


def settings_of(context: typer.Context) -> Settings:
    """Return the settings that the main command read."""
    settings = context.find_root().obj
    assert isinstance(settings, Settings)
    return settings
