"""Pictures for a question: made small enough to travel with it, and told from files that are read as documents."""

from __future__ import annotations

import io
from base64 import b64decode, b64encode
from collections.abc import Sequence

import streamlit as st
from PIL import Image, ImageOps

from ui import state
from ui.scrub import plain
from ui.transport import NamedFile
from ui.trouble import told
from ui.wire import Drawn

MOST = 4  # pictures of one question, as the API takes them
TYPES = ("image/png", "image/jpeg", "image/webp")
# The API takes a question of a million bytes; base64 makes four bytes of three, and the words need room, too.
TOTAL_BYTES = 640_000
MAX_PIXELS = 24_000_000  # a photo of a phone; more takes memory that other people's pages need
SIDES = (1600, 1200, 900, 640)  # pixels of the longer side, tried in turn
WIDTH = 160  # pixels on the page
DRAWN_WIDTH = 480  # pixels of one that a skill had made
KEPT_TURNS = 8
KEPT_DRAWN = 16
_DRAWN = "drawn-pictures"
_KEPT = "pictures"
_QUALITY = 82
_ENDINGS = {b"\x89PNG": ".png", b"\xff\xd8\xff\xe0": ".jpg", b"\xff\xd8\xff\xe1": ".jpg"}


def parted(files: Sequence[NamedFile]) -> tuple[list[NamedFile], list[NamedFile]]:
    """Return the pictures that can travel with a question, at most four, and all other files."""
    pictures = [file for file in files if file[2] in TYPES][:MOST]
    return pictures, [file for file in files if file not in pictures]


def data_urls(files: Sequence[NamedFile]) -> tuple[str, ...] | None:
    """Return the pictures as data URLs that fit into one question, without what a camera wrote beside the pixels.

    None when one of them is damaged, or larger than 24 million pixels.
    """
    urls = []
    for _, file, _ in files:
        file.seek(0)
        made = _small(file.read(), TOTAL_BYTES // len(files))
        file.seek(0)
        if made is None:
            return None
        urls.append("data:image/jpeg;base64," + b64encode(made).decode("ascii"))
    return tuple(urls)


def files_of(urls: Sequence[str]) -> list[NamedFile]:
    """Return the pictures of data URLs as files, to be read as documents."""
    return [(f"picture-{n}.jpg", io.BytesIO(content(url)), "image/jpeg") for n, url in enumerate(urls, start=1)]


def content(url: str) -> bytes:
    """Return the picture in one of our own data URLs."""
    return b64decode(url.partition(",")[2])


def keep(turn_id: str, urls: tuple[str, ...]) -> None:
    """Keep the pictures of a turn as long as this tab is open; the server does not store them."""
    if not urls:
        return
    kept = {**st.session_state.get(_KEPT, {}), turn_id: urls}
    st.session_state[_KEPT] = dict(list(kept.items())[-KEPT_TURNS:])


def of(turn_id: str) -> tuple[str, ...]:
    """Return the pictures of a turn that this tab still has."""
    found: tuple[str, ...] = st.session_state.get(_KEPT, {}).get(turn_id, ())
    return found


def show(urls: Sequence[str]) -> None:
    """Show pictures beside each other, small."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        for n, url in enumerate(urls, start=1):
            st.image(content(url), width=WIDTH, caption=f"Picture {n}")


def show_drawn(made: Sequence[Drawn]) -> None:
    """Show pictures that a skill had made, each with a button that saves it."""
    for picture in made:
        with told():
            data = _fetched(picture.id)
            st.image(data, width=DRAWN_WIDTH, caption=plain(picture.shows, 300))
            st.download_button(
                "Save the picture",
                data,
                file_name=f"picture-{picture.id[:8]}{_ENDINGS.get(data[:4], '.webp')}",
                key=f"save-{picture.id}",
                icon=":material/download:",
                type="tertiary",
            )


def _fetched(picture_id: str) -> bytes:
    """Return a picture, asked for once in this tab: the page is drawn anew with every click."""
    kept: dict[str, bytes] = st.session_state.setdefault(_DRAWN, {})
    if picture_id not in kept:
        kept[picture_id] = state.api().picture(picture_id)
        for oldest in list(kept)[:-KEPT_DRAWN]:
            del kept[oldest]
    return kept[picture_id]


def _small(data: bytes, most_bytes: int) -> bytes | None:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.draft("RGB", (SIDES[0], SIDES[0]))
            shown = image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")
            shown.thumbnail((SIDES[0], SIDES[0]))
            return _written(_on_white(ImageOps.exif_transpose(shown)), most_bytes)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # what Pillow says of damaged files
        return None


def _on_white(image: Image.Image) -> Image.Image:
    """Return the picture without transparency, which JPEG does not know."""
    shown = image.convert("RGBA")
    ground = Image.new("RGBA", shown.size, "white")
    ground.alpha_composite(shown)
    return ground.convert("RGB")


def _written(image: Image.Image, most_bytes: int) -> bytes | None:
    for side in SIDES:
        image.thumbnail((side, side))
        made = io.BytesIO()
        image.save(made, "JPEG", quality=_QUALITY)
        if made.tell() <= most_bytes:
            return made.getvalue()
    return None
