"""Speech of the stand-in: every recording says the same."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import problem, signed_in
from ui.fake_api.records import FakeUser
from ui.fake_api.world import World


def routes() -> list[Route]:
    """Return the routes about recordings."""
    return [
        Route("/api/speech", signed_in(offered), methods=["GET"]),
        Route("/v1/audio/transcriptions", signed_in(transcribe), methods=["POST"]),
    ]


async def offered(world: World, _user: FakeUser, _request: Request) -> Response:
    """Tell whether recordings are taken."""
    return JSONResponse({"on": world.says is not None, "max_bytes": 25_000_000, "max_seconds": 600.0})


async def transcribe(world: World, _user: FakeUser, request: Request) -> Response:
    """Return what every recording says."""
    if world.says is None:
        return problem(501, "Refused", "Speech is off here; type the text.", "speech-off", openai=True)
    async with request.form() as form:
        file = form["file"]
        data = b"" if isinstance(file, str) else await file.read()
    if not data.startswith(b"RIFF"):
        return problem(415, "Refused", "This is no recording.", "recording-refused", openai=True)
    return JSONResponse({"text": world.says})
