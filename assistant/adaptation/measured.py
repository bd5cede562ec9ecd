"""What an adapter was measured to be worth beside the live one, kept in its folder, and what publishing makes of it.

The figures hold for the very two adapters that were compared: their manifests' hashes stand beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.adaptation import publish
from assistant.adaptation.adapter import MANIFEST, open_adapter, sha256
from assistant.adaptation.comparison import Beside

FILE = "measured.json"


class Measured(BaseModel):
    """A comparison on questions that the adapter was not trained on; what answers are worth, 0..1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    adapter_sha256: str  # of its manifest
    live_sha256: str  # of the manifest of the adapter that was live then
    live: str  # its name
    files: tuple[str, ...]
    questions: int
    new_worth: float
    live_worth: float
    low: float  # 95 % interval of the difference, new - live
    high: float

    @property
    def worse(self) -> bool:
        """Return whether the new adapter's answers were worth less."""
        return self.new_worth < self.live_worth

    @property
    def told(self) -> str:
        """Return both figures in a sentence."""
        reader = " with the reader" if self.live == publish.DEFAULT.name else ""
        return (
            f"On {self.questions} questions that it was not trained on its answers are worth {self.new_worth:.2f}, "
            f"those of {self.live}{reader} {self.live_worth:.2f} (difference {self.new_worth - self.live_worth:+.2f}, "
            f"95 % interval {self.low:+.2f} to {self.high:+.2f})."
        )


def keep(folder: Path, live: Path, files: Sequence[Path], found: Beside) -> Measured:
    """Write what was found into the adapter's folder, in place of what stood there, and return it."""
    made = Measured(
        adapter_sha256=sha256(folder / MANIFEST),
        live_sha256=sha256(live / MANIFEST),
        live=open_adapter(live).manifest.name,
        files=tuple(file.name for file in files),
        questions=found.questions,
        new_worth=found.new.mean,
        live_worth=found.live.mean,
        low=found.difference.low,
        high=found.difference.high,
    )
    partial = folder / f"{FILE}.partial"
    partial.write_text(made.model_dump_json(indent=2) + "\n", "utf-8")
    partial.replace(folder / FILE)
    return made


def beside(data_dir: Path, folder: Path) -> Measured | None:
    """Return how the adapter in `folder` compares with the one that is live now; None when that was not measured."""
    live = publish.active(data_dir)
    try:
        made = Measured.model_validate_json((folder / FILE).read_bytes())
        same = live is not None and made.live_sha256 == sha256(live / MANIFEST)
        return made if same and made.adapter_sha256 == sha256(folder / MANIFEST) else None
    except (OSError, ValidationError):
        return None
