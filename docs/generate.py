"""Write docs/generated/: CLI help, settings and errors from the code, figures from benchmarks/results.

`python -m docs.generate [--check]`.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import click
import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.core import TyperGroup

from assistant.cli.main import app
from assistant.settings import Settings

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "generated"
PACKAGES = ("assistant", "ingest", "knowledge", "skills", "egress")


def cli() -> str:
    """Return the help of every command, one section each."""
    lines = ["# Commands", "", "Every command takes `--help`. Exit status: 0 done, 1 failed, 2 wrong usage.", ""]
    root = typer.main.get_command(app)
    for name, command in _commands("assistant", root):
        command.rich_markup_mode = None  # plain text, not boxes drawn for a terminal
        context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
        lines += [f"## `{name}`", "", "```", _plain(command.get_help(context)), "```", ""]
    return "\n".join(lines)


def _commands(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
    found = [(name, command)]
    if isinstance(command, TyperGroup):
        context = click.Context(command)
        for child in sorted(command.list_commands(context)):
            sub = command.get_command(context, child)
            assert sub is not None
            found += _commands(f"{name} {child}", sub)
    return found


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).strip().splitlines())


def settings() -> str:
    """Return the table of settings with their environment variables, defaults and meaning."""
    about = "Environment variables; lists are JSON. A name with this prefix that is not here is refused."
    lines = ["# Settings", "", about, ""]
    lines += ["| variable | default | meaning |", "|---|---|---|", *_rows(Settings, "ASSISTANT_")]
    return "\n".join([*lines, ""])


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            rows += _rows(kind, f"{prefix}{name.upper()}__")
            continue
        default = "(computed)" if field.default is PydanticUndefined else field.default
        rows.append(f"| `{prefix}{name.upper()}` | `{default}` | {(field.description or '').replace('|', '/')} |")
    return rows


def errors() -> str:
    """Return each package's error tree as its errors.py draws it."""
    lines = ["# Errors", ""]
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("errors.py")):
            drawn = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            if path.parent.name != "api":
                lines += [f"## {path.parent.relative_to(ROOT)}", "", "```", drawn, "```", ""]
    return "\n".join(lines)


def figures() -> str:
    """Return the figures of benchmarks/results, one table for each file, which is what a benchmark has printed."""
    about = "What each benchmark printed last, as it stands in `benchmarks/results`. A ratio is ours to the reference."
    lines = ["# Figures", "", about, "Each file of `benchmarks` says how to run it again.", ""]
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.json")):
        found = json.loads(path.read_text("utf-8"))
        on = found["machine"]
        lines += [
            f"## {found['benchmark']}",
            "",
            f"{on['cpu']}, {on['cores']} cores, {on['simd']}, {on['memory_gb']} GB; load {on['load'][0]}",
            "",
            "| figure | ours | reference | ratio | goal |",
            "|---|---|---|---|---|",
            *(_figure(row) for row in found["figures"]),
            "",
        ]
    return "\n".join(lines)


def _figure(row: dict[str, Any]) -> str:
    unit = f" {row['unit']}" if row["unit"] else ""
    other = "" if row["reference_value"] is None else f"{row['reference_value']:.4g}{unit} ({row['reference']})"
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    return f"| {row['name']} | {row['value']:.4g}{unit} | {other} | {ratio} | {row['goal']} |"


def main() -> int:
    """Write the pages, or with --check say which are stale; returns the exit status."""
    pages = {"cli.md": cli(), "settings.md": settings(), "errors.md": errors(), "figures.md": figures()}
    if "--check" in sys.argv:
        stale = [name for name, text in pages.items() if not _same(TARGET / name, text)]
        if stale:
            print(f"Stale: docs/generated/{', '.join(stale)}. Run `make docs`.", file=sys.stderr)
        return bool(stale)
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (TARGET / name).write_text(text, "utf-8")
    return 0


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
