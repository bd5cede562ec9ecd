"""The prompt library: authors write, compare and try versions; administrators make them live."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from assistant.api import errors
from assistant.api.auth import ADMIN, AUTHOR, Guarded
from assistant.api.deps import Id, Line, Parts, Text
from assistant.api.doors import Shared
from assistant.api.schemas import Json, Name, Strict
from assistant.app import App
from assistant.evaluation import questions
from assistant.logs import log
from assistant.orchestration.prompts import Prompt
from assistant.people.credentials import Credential
from assistant.promptbook.playground import MAX_QUESTIONS
from assistant.threads import in_thread
from assistant.wire import answer_json
from knowledge import collections

router = APIRouter(route_class=Guarded, prefix="/api", tags=["prompts"])
_log = log("prompts")

Writer = Annotated[Credential, Depends(AUTHOR)]
Admin = Annotated[Credential, Depends(ADMIN)]
PromptName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,50}$", description="A prompt's name")]
Number = Annotated[int, Path(ge=0, le=1_000_000, description="A version; 0 is the one that ships")]
Between = Annotated[int, Query(ge=0, le=1_000_000)]


class VersionBody(Strict):
    """A new version: the whole YAML file, and why it was written."""

    text: Annotated[Text, Field(min_length=1, max_length=100_000)]
    note: Annotated[Line, Field(max_length=200)] = ""


class PublishBody(Strict):
    """The version to make live."""

    n: Annotated[int, Field(ge=0, le=1_000_000)]


class TryBody(Strict):
    """A question to try a version on, over what the caller may read."""

    question: Annotated[Text, Field(min_length=1, max_length=8_000)]
    collections: list[Name] | None = Field(default=None, max_length=100)


class EvaluateBody(Strict):
    """A test set: the questions of a file that `assistant eval run` takes."""

    questions: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_QUESTIONS)


@router.get("/prompts")
async def list_prompts(app: Parts, _writer: Writer) -> Json:
    """List every prompt with its live version and where it is used."""
    return {"prompts": [asdict(entry) for entry in await in_thread(app.prompts.entries)]}


@router.get("/prompts/{prompt}")
async def read_prompt(prompt: PromptName, app: Parts, _writer: Writer) -> Json:
    """Return a prompt's live text, or its latest where none is live, with its versions and publications."""
    entry = next((one for one in await in_thread(app.prompts.entries) if one.name == prompt), None)
    if entry is None:
        raise errors.unknown("prompt")
    versions, publications = await in_thread(app.prompts.history, prompt)
    return {
        **asdict(entry),
        "text": await in_thread(app.prompts.text, prompt, None),
        "versions": [{key: value for key, value in asdict(one).items() if key != "text"} for one in versions],
        "publications": [asdict(one) for one in publications],
    }


@router.get("/prompts/{prompt}/versions/{n}")
async def read_version(prompt: PromptName, n: Number, app: Parts, _writer: Writer) -> Json:
    """Return the text of one version."""
    return {"name": prompt, "n": n, "text": await _text(app, prompt, n)}


@router.get("/prompts/{prompt}/diff")
async def compare_versions(prompt: PromptName, old: Between, new: Between, app: Parts, _writer: Writer) -> Json:
    """Return what changed between two versions, as a unified diff."""
    found = await in_thread(app.prompts.diff, prompt, old, new)
    if found is None:
        raise errors.unknown("version")
    return {"diff": found}


@router.post("/prompts/{prompt}/versions", status_code=201)
async def add_version(prompt: PromptName, body: VersionBody, app: Parts, writer: Writer) -> Json:
    """Store a new version, which is not live yet; a broken one is refused and nothing is stored."""
    made = await in_thread(app.prompts.add, prompt, body.text, body.note, writer.caller.user_id)
    return asdict(made)


@router.post("/prompts/{prompt}/publish")
async def publish(prompt: PromptName, body: PublishBody, app: Parts, admin: Admin) -> Json:
    """Make a version live, from the next question on."""
    entry = await in_thread(app.prompts.publish, prompt, body.n, admin.caller.user_id)
    if entry is None:
        raise errors.unknown("version")
    _log.info("a prompt was published", prompt=prompt, version=body.n, by=admin.caller.user_id)
    return asdict(entry)


@router.post("/prompts/{prompt}/rollback")
async def roll_back(prompt: PromptName, app: Parts, admin: Admin) -> Json:
    """Make the version live again that was so before; a prompt that was never live before is withdrawn."""
    entry = await in_thread(app.prompts.rollback, prompt, admin.caller.user_id)
    if entry is None:
        raise errors.unknown("prompt")
    _log.info("a prompt was rolled back", prompt=prompt, version=entry.live, by=admin.caller.user_id)
    return asdict(entry)


@router.post("/prompts/{prompt}/versions/{n}/try")
async def try_version(
    prompt: PromptName, n: Number, body: TryBody, app: Parts, doors: Shared, writer: Writer
) -> dict[str, Json]:
    """Answer one question with a version and with what is live, over what the caller may read."""
    tried = await _prompt(app, prompt, n)
    for wanted in body.collections or ():
        if await in_thread(collections.get, app.engine, writer.caller.scope, wanted) is None:
            raise errors.unknown(f"collection {wanted[:80]!r}")
    names = None if body.collections is None else tuple(body.collections)
    async with doors.chats.place(writer.caller.user_id):
        found = await app.playground.compare(tried, body.question, writer.caller, names)
    return {side: dict(answer_json(answer)) for side, answer in found.items()}


@router.post("/prompts/{prompt}/versions/{n}/evaluate", status_code=202)
async def evaluate_version(
    prompt: PromptName, n: Number, body: EvaluateBody, app: Parts, doors: Shared, writer: Writer
) -> Json:
    """Begin to measure a version on a test set, beside what is live."""
    tried = await _prompt(app, prompt, n)
    place = partial(doors.chats.place, writer.caller.user_id, "background")
    return asdict(app.playground.measure(tried, n, questions.of(body.questions), place))


@router.get("/prompt-evaluations/{trial_id}")
async def read_evaluation(trial_id: Id, app: Parts, _writer: Writer) -> Json:
    """Tell how far a measurement has come, and its scores when it is done."""
    found = app.playground.trial(trial_id)
    if found is None:
        raise errors.unknown("measurement")
    return asdict(found)


async def _text(app: App, name: str, n: int) -> str:
    text = await in_thread(app.prompts.text, name, n)
    if text is None:
        raise errors.unknown("version")
    return text


async def _prompt(app: App, name: str, n: int) -> Prompt:
    return app.prompts.checked(await _text(app, name, n))
