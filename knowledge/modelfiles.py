"""Model files on disk: whole or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from knowledge.errors import ModelFileDamaged


def check_sums(sums: Path, files: Sequence[Path]) -> None:
    """Compare `files` with the SHA-256 lines in `sums`; raises ModelFileDamaged if one is missing or differs."""
    try:
        lines = [line.split() for line in sums.read_text("utf-8").splitlines()]
        wanted = {name: digest for digest, name in lines}
        for path in files:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != wanted.get(path.name):
                raise ModelFileDamaged(
                    f"{path} has SHA-256 {found}, but {sums.name} says {wanted.get(path.name)}; install it again."
                )
    except (OSError, ValueError) as exc:
        raise ModelFileDamaged(f"A model file cannot be read ({exc}); install the package again.") from exc


def encodable(text: str) -> str:
    """Return `text` with lone surrogates replaced: tokenizers refuse them."""
    return text.encode("utf-8", "replace").decode()
