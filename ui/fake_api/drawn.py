"""Pictures of the stand-in: every one is the same square."""

from __future__ import annotations

import io

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import missing, signed_in
from ui.fake_api.records import FakeUser
from ui.fake_api.world import World

PICTURE = "0123456789abcdef0123456789abcdef"  # the id of the only one


def routes() -> list[Route]:
    """Return the route of pictures."""
    return [Route("/api/pictures/{id}", signed_in(picture), methods=["GET"])]


async def picture(_world: World, _user: FakeUser, request: Request) -> Response:
    """Return the picture."""
    if request.path_params["id"] != PICTURE:
        return missing("picture")
    made = io.BytesIO()
    Image.new("RGB", (64, 64), "firebrick").save(made, "PNG")
    return Response(made.getvalue(), media_type="image/png")
