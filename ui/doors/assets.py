"""The few files that the plain pages need: style, mark and fonts (the ones that Streamlit brings anyway)."""

from __future__ import annotations

from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

_HERE = Path(__file__).parent
_FONTS = Path(streamlit.__file__).parent / "static" / "static" / "media"


def _font(pattern: str) -> Path | None:
    return next(_FONTS.glob(pattern), None)  # the name holds a hash that changes with each release


_FILES: dict[str, tuple[Path | None, str]] = {
    "door.css": (_HERE / "door.css", "text/css"),
    "widget.js": (_HERE.parent / "widget" / "widget.js", "text/javascript"),
    "mark.svg": (_HERE.parent / "theme" / "mark.svg", "image/svg+xml"),
    "sans.woff2": (_font("SourceSansVF-Upright*.woff2"), "font/woff2"),
    "serif.woff2": (_font("SourceSerifVariable-Roman*.woff2"), "font/woff2"),
}


def routes() -> list[Route]:
    """Return the route of the files."""
    return [Route("/door/{name:str}", file, methods=["GET"])]


async def file(request: Request) -> Response:
    """Return one of the known files; the browser may keep it for a day."""
    path, media_type = _FILES.get(request.path_params["name"], (None, ""))
    if path is None:
        return PlainTextResponse("There is no such file.", status_code=404)
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": "max-age=86400"})
