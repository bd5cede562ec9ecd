"""Questions that begin with the name of a prompt, as the stand-in takes them."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, problem, signed_in, text_of
from ui.fake_api.records import FakeUser
from ui.fake_api.world import World

_NAMES = {"few_shot_answer": "answer", "self_ask_answer": "answer", "letter": "chat"}
_COMMAND = re.compile(r"/([a-z][\w-]*)(?=\s|$)")


def routes() -> list[Route]:
    """Return the routes about them."""
    return [Route("/api/commands", signed_in(read), methods=["POST"])]


async def read(_world: World, _user: FakeUser, request: Request) -> Response:
    """Tell what a text would be asked as."""
    text = text_of(await body_of(request), "text").strip()
    if text in ("/", "/help"):
        rows = [{"name": name, "job": job} for name, job in _NAMES.items()]
        return JSONResponse({"prompt": None, "question": "", "commands": rows})
    found = _COMMAND.match(text)
    if found and found[1] not in _NAMES:
        detail = f"There is no prompt /{found[1]}. Did you mean /self_ask_answer?"
        return problem(422, "Unknown", detail, "command-unknown")
    name, question = parted(text)
    return JSONResponse({"prompt": name or None, "question": question, "commands": []})


def parted(text: str) -> tuple[str, str]:
    """Return the name of the prompt that a question begins with, "" for none, and what is asked."""
    found = _COMMAND.match(text)
    return (found[1], text[found.end() :].strip()) if found and found[1] in _NAMES else ("", text)
