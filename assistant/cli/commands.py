"""Every sub-command but the processes: what they import takes longer than most of them do."""

from __future__ import annotations

import typer

from assistant.adaptation import commands as adapt
from assistant.cli import (
    ask,
    backup,
    chats,
    curated,
    doctor,
    evals,
    feedback,
    gallery,
    ingest,
    manage,
    memory,
    models,
    prompts,
    transcribe,
    widgets,
)
from assistant.cli import skills as skills_commands

app = typer.Typer()

app.command()(ingest.ingest)
app.command()(ask.search)
app.command()(ask.ask)
app.command()(transcribe.transcribe)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(doctor.doctor)
app.add_typer(evals.app, name="eval")
app.add_typer(adapt.app, name="adapt")
app.add_typer(skills_commands.app, name="skills")
app.add_typer(prompts.app, name="prompts")
app.add_typer(memory.app, name="memory")
app.add_typer(models.app, name="models")
app.add_typer(curated.app, name="curated")
app.add_typer(feedback.app, name="feedback")
app.add_typer(gallery.app, name="gallery")
app.add_typer(manage.users, name="users")
app.add_typer(manage.groups, name="groups")
app.add_typer(manage.keys, name="keys")
app.add_typer(manage.collections, name="collections")
app.add_typer(manage.documents, name="documents")
app.add_typer(chats.app, name="chats")
app.add_typer(widgets.app, name="widgets")
