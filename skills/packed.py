"""SKILL.md folders that come as a ZIP: unpacked within bounds, text files alone."""

from __future__ import annotations

import io
import lzma
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from skills.errors import BadSkill, DocumentTooLarge
from skills.skill_md import MAX_BYTES

MAX_ZIP_BYTES = 5_000_000
_MAX_FILES = 50
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,80}")
# Damaged bytes end in the errors of whichever part meets them; zipfile turns only some into its own.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(NotImplementedError, RuntimeError, OSError, EOFError, ValueError),
)
_NOISE = ("__MACOSX/", ".")  # what archivers of some systems put beside the files


def unpack(raw: bytes, place: Path) -> None:
    """Write the files of the ZIP `raw` into the folder `place`, which is made.

    A single folder around all of them is left away. Raises BadSkill, having written nothing, when it is no ZIP, holds
    no SKILL.md at its top, over 50 files, or a file with a path, a name or a kind that no folder of instructions has;
    DocumentTooLarge when it, or one of its files, is over its limit.
    """
    if len(raw) > MAX_ZIP_BYTES:
        raise DocumentTooLarge(f"The ZIP has {len(raw):,} bytes, over the limit of {MAX_ZIP_BYTES:,}.")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            files = _texts(archive)
    except _DAMAGED as exc:
        raise BadSkill(f"This is no ZIP that can be read ({type(exc).__name__}). Pack the folder again.") from exc
    if "SKILL.md" not in files:
        raise BadSkill("The ZIP holds no SKILL.md at its top. Pack the folder that SKILL.md lies in.")
    for name, text in files.items():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def _texts(archive: zipfile.ZipFile) -> dict[str, str]:
    infos = [info for info in archive.infolist() if not info.is_dir() and not _is_noise(info.filename)]
    if len(infos) > _MAX_FILES:
        raise BadSkill(f"The ZIP holds {len(infos)} files, over the limit of {_MAX_FILES}.")
    tops = {PurePosixPath(info.filename).parts[0] for info in infos if PurePosixPath(info.filename).parts}
    around = len(tops) == 1 and all(len(PurePosixPath(info.filename).parts) > 1 for info in infos)
    return {_path(info.filename, around): _text(archive, info) for info in infos}


def _is_noise(name: str) -> bool:
    return name.startswith(_NOISE[0]) or PurePosixPath(name).name.startswith(_NOISE[1])


def _path(name: str, around: bool) -> str:
    parts = PurePosixPath(name).parts[1 if around else 0 :]
    if not parts or len(parts) > 6 or not all(_NAME.fullmatch(part) for part in parts):
        raise BadSkill(f"{name[:120]!r} is no path for a file of instructions: use letters, digits, '-', '_' and '.'.")
    return "/".join(parts)


def _text(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    with archive.open(info) as file:
        content = file.read(MAX_BYTES + 1)  # what the archive says of the size may be untrue
    if len(content) > MAX_BYTES:
        raise DocumentTooLarge(f"{info.filename[:120]!r} has over {MAX_BYTES:,} bytes, the limit of one file.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadSkill(f"{info.filename[:120]!r} is no text in UTF-8. Instructions are text files.") from exc
