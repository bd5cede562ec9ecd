"""From the YAML that an author writes to a prompt that a turn may use, or one sentence on why not. Pure functions."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from assistant.orchestration.prompts import FOLDER, ChatPrompt, GroundedPrompt, Job, Prompt, shown
from assistant.promptbook.errors import PromptBroken

# The prompts that ship and answer wherever no other one is chosen.
BASE: dict[str, Job] = {
    "grounded_answer": "answer",
    "strict_answer": "strict",
    "plain_chat": "chat",
    "condense": "condense",
}
# Shipped as a beginning for authors; not in use until a version of them is published.
TEMPLATES = (
    "few_shot_answer", "reasoned_answer", "few_shot_reasoned_answer", "step_back_answer", "self_ask_answer"
)  # fmt: skip
MAX_FILE_CHARACTERS = 60_000
MAX_SHOWN = 20  # examples before one question
_MAX_DEPTH = 8
_NAME = re.compile(r"[a-z][a-z0-9_]{1,50}")
_VARIABLE = re.compile(r"\{(\w+)\}")
# text -> variables that it must have, and those that it may have besides
_GROUNDED = {"passage": ({"n", "text"}, {"title"}), "user": ({"passages", "question"}, set[str]())}
_CHAT: dict[Job, dict[str, tuple[set[str], set[str]]]] = {
    "chat": {"user": ({"question"}, set())},
    "condense": {"user": ({"history", "question"}, set())},
}


def packaged(name: str) -> str | None:
    """Return the YAML that ships under that name, None when there is none."""
    path: Path = FOLDER / f"{name}.yaml"
    return path.read_text("utf-8") if name in BASE or name in TEMPLATES else None


def parse(text: str, max_chars: int) -> Prompt:
    """Return the prompt of a YAML text. Raises PromptBroken with one sentence that names what is wrong."""
    raw = _read(text)
    job = _job(raw)
    kind = GroundedPrompt if job in ("answer", "strict") else ChatPrompt
    try:
        prompt = kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        said = {"missing": "is missing; add it", "extra_forbidden": "is not known; remove it"}.get(first["type"])
        raise PromptBroken(f"The text {place!r} {said or 'is not right: ' + first['msg']}.") from error
    _check(prompt, job, max_chars)
    return prompt


def job_of(prompt: Prompt) -> Job:
    """Return what a parsed prompt is for."""
    return prompt.job or BASE[prompt.name]


def _read(text: str) -> dict[str, object]:
    if len(text) > MAX_FILE_CHARACTERS:
        raise PromptBroken(f"The file has {len(text):,} characters; at most {MAX_FILE_CHARACTERS:,} are read.")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise PromptBroken("The YAML uses an alias (*name); write the text out instead.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise PromptBroken(f"The YAML is nested more than {_MAX_DEPTH} levels deep; no prompt is.")
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        why = str(getattr(error, "problem", None) or "a character that YAML does not allow")[:120]
        raise PromptBroken(f"This is not YAML{line}: {why}. Correct it.") from error
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise PromptBroken("A prompt is a YAML mapping with texts such as name, system and user.")
    return raw


def _job(raw: dict[str, object]) -> Job:
    name, job = raw.get("name"), raw.get("job")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PromptBroken("The text 'name' must be 2 to 51 small letters, digits and underscores.")
    if name in BASE:
        if job not in (None, BASE[name]) or raw.get("tiers") or raw.get("routes"):
            raise PromptBroken(
                f"{name!r} answers wherever no other prompt is chosen, so it names no job, tiers or routes; "
                "give the prompt another name to use it on some routes alone."
            )
        return BASE[name]
    if job not in set(BASE.values()):
        raise PromptBroken(f"The text 'job' must be one of {', '.join(sorted(BASE.values()))}.")
    return job


def _check(prompt: Prompt, job: Job, max_chars: int) -> None:
    wanted = _GROUNDED if isinstance(prompt, GroundedPrompt) else _CHAT[job]
    for field, (needed, allowed) in wanted.items():
        found = set(_VARIABLE.findall(getattr(prompt, field)))
        for missing in sorted(needed - found):
            raise PromptBroken(f"The text {field!r} lacks the variable {{{missing}}}; put it where it belongs.")
        for unknown in sorted(found - needed - allowed):
            raise PromptBroken(f"The text {field!r} uses {{{unknown}}}, which nothing fills; remove it.")
    if set(_VARIABLE.findall(prompt.notes)) != {"notes"}:
        raise PromptBroken("The text 'notes' must use the variable {notes} and no other.")
    if not prompt.system.strip():
        raise PromptBroken("The text 'system' is empty; say what the model is to do.")
    if isinstance(prompt, GroundedPrompt):
        if not prompt.abstention.strip() or prompt.abstention.strip() not in prompt.system:
            raise PromptBroken("The text 'system' must hold the text 'abstention' word for word, as the reply to give.")
        for n, example in enumerate(prompt.examples, start=1):
            if not example.passages:
                raise PromptBroken(f"Example {n} has no passages; an answer from documents needs some.")
    most = prompt.examples_shown or MAX_SHOWN
    if prompt.examples_shown is None and len(prompt.examples) > MAX_SHOWN:
        raise PromptBroken(
            f"The prompt has {len(prompt.examples)} examples; say with 'examples_shown' how many of the closest to a "
            f"question are shown, at most {MAX_SHOWN}."
        )
    said = shown(prompt)
    lengths = sorted(len(asked.content) + len(told.content) for asked, told in zip(said[::2], said[1::2], strict=True))
    size = len(prompt.system) + sum(lengths[-most:])
    if size > max_chars:
        raise PromptBroken(f"The prompt has {size:,} characters with its examples; at most {max_chars:,} are allowed.")
