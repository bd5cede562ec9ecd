"""What the local engine should serve now: the base model, with the active adapter in its weights when there is one.

`python -m assistant.models.plan DATA_DIR`, with the settings as JSON on standard input, prints it; see preparing.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

from assistant.adaptation import export, publish
from assistant.adaptation.errors import AdapterError
from assistant.models import weights
from assistant.models.errors import WeightsInvalid
from assistant.models.preparing import REFUSED, Made
from assistant.models.settings import ModelSettings
from assistant.models.supervise import EngineSpec


def plan(data_dir: Path, settings: ModelSettings) -> EngineSpec:
    """Return what to serve; makes the weights file if it is not there yet, which takes about 10 s the first time.

    Raises WeightsInvalid when that is not possible.
    """
    try:
        return _plan(data_dir, settings)
    except AdapterError as exc:
        raise WeightsInvalid(str(exc)) from exc


def _plan(data_dir: Path, settings: ModelSettings) -> EngineSpec:
    cache = data_dir / "models"
    if settings.gguf is not None:
        if not settings.gguf.is_file():
            raise WeightsInvalid(f"The setting models.model names {settings.gguf}, which is not a file. Correct it.")
        return _spec(
            settings, weights.requantised(settings.gguf, cache, settings.quantisation), settings.gguf.stem, None
        )
    base = weights.packaged(cache)
    folder = publish.active(data_dir)
    if folder is None:
        return _spec(settings, weights.requantised(base, cache, settings.quantisation), weights.NAME, None)
    merged = export.materialise(base, folder, cache, settings.quantisation)
    return _spec(settings, weights.requantised(merged, cache, settings.quantisation), weights.NAME, folder.name)


def rests_on(data_dir: Path, settings: ModelSettings, spec: EngineSpec) -> list[Path]:
    """Return the files whose change makes `spec` out of date: this program's, the base model, the adapter, the weights.

    The times of an installed file change with every installation, so that another version of a package shows.
    """
    program = [Path(module.__file__) for module in (export, publish, weights) if module.__file__]
    base = settings.gguf or weights.located(data_dir / "models")
    adapter = publish.active(data_dir)
    learned = sorted(adapter.iterdir()) if adapter is not None and settings.gguf is None else []
    return [Path(__file__), *program, base, *learned, data_dir / publish.REGISTRY, spec.weights]


def _spec(settings: ModelSettings, path: Path, name: str, adapter: str | None) -> EngineSpec:
    return EngineSpec(
        path,
        name,
        adapter,
        settings.context_tokens,
        settings.engine_running,
        settings.engine_waiting,
        settings.engine_speculate,
    )


def main() -> int:
    """Print the plan as JSON; returns the exit status."""
    settings = ModelSettings.model_validate_json(sys.stdin.buffer.read())
    try:
        data_dir = Path(sys.argv[1])
        spec = plan(data_dir, settings)
        made = Made(spec=spec, rests_on=rests_on(data_dir, settings, spec))
    except WeightsInvalid as exc:
        print(" ".join(str(exc).split()), file=sys.stderr)
        return REFUSED
    sys.stdout.write(made.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
