"""Questions that begin with the name of a prompt of the library: read here alone, for page, HTTP and command line."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from assistant.api import errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Parts, Text
from assistant.api.schemas import Json, Strict
from assistant.app import App
from assistant.people.credentials import Credential
from assistant.promptbook import command
from assistant.threads import in_thread
from assistant.types import Persona, Step, TurnOptions

router = APIRouter(route_class=Guarded, prefix="/api/commands", tags=["prompts"])

Signed = Annotated[Credential, Depends(SIGNED_IN)]


class CommandBody(Strict):
    """What somebody typed, before it is asked."""

    text: Annotated[Text, Field(min_length=1, max_length=8_000)]


@router.get("")
async def list_commands(app: Parts, _signed: Signed) -> Json:
    """List the prompts that a question may begin with, by name, and what each is for: answer or chat."""
    return {"commands": await _listed(app)}


@router.post("")
async def read_command(body: CommandBody, app: Parts, _signed: Signed) -> Json:
    """Tell with which prompt a text would be asked, and as what question; "/" and "/help" tell which there are."""
    found = command.read(body.text, await in_thread(app.prompts.nameable))
    if found is None:
        return {"prompt": None, "question": body.text, "commands": []}
    return {
        "prompt": found.name or None,
        "question": found.question,
        "commands": [] if found.name else await _listed(app),
    }


async def applied(app: App, question: str, options: TurnOptions) -> tuple[str, TurnOptions]:
    """Return what is asked and how, with the prompt that the question begins with put to use.

    Raises the refusal of a name that no prompt has, of a prompt for documents in a chat without them, and of "/" alone,
    which asks nothing: it says which prompts there are.
    """
    if not question.lstrip().startswith("/"):
        return question, options
    prompts = await in_thread(app.prompts.nameable)
    found = command.read(question, prompts)
    if found is None:
        return question, options
    if not found.name:
        raise errors.Refusal(422, "command-list", command.listed(prompts), parameter="messages")
    grounded = prompts[found.name] == "answer"
    if grounded and not options.grounded:
        detail = f"/{found.name} is for answers from documents, and this chat is one without; choose another prompt."
        raise errors.invalid(detail, "messages")
    persona = replace(options.persona or Persona("", ""), prompt=found.name)
    step = Step("prompt", f"/{found.name}", 0.0)
    return found.question, replace(options, grounded=grounded, persona=persona, heard=(*options.heard, step))


async def _listed(app: App) -> list[Json]:
    return [{"name": name, "job": job} for name, job in (await in_thread(app.prompts.nameable)).items()]
