"""How every benchmark prints: the machine and each figure beside its reference, as table (stderr) and JSON (stdout)."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from assistant.app import VERSION


@dataclass(frozen=True, slots=True)
class Figure:
    """One published figure and the same work done by its reference in the same run."""

    name: str
    value: float
    unit: str
    reference: str = ""  # what the reference is, e.g. "bare Chroma query"
    reference_value: float | None = None
    goal: str = ""  # what we hold ourselves to, in words

    @property
    def ratio(self) -> float | None:
        """Return value / reference value, or None without a reference."""
        return self.value / self.reference_value if self.reference_value else None


def machine() -> dict[str, object]:
    """Return what the figures were measured on: processor, cores, memory, load, and the versions that matter."""
    cpu = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    flags = next((line for line in _cpuinfo() if line.startswith("flags")), "")
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "simd": next((name for name in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if name in flags), "none"),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load": [round(load, 1) for load in os.getloadavg()],
        "python": platform.python_version(),
        "inhouse": VERSION,
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0..1) of `values` lie; the only value of a single one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return float(statistics.median(values))


def show(benchmark: str, figures: Sequence[Figure], **more: object) -> None:
    """Print the table for people and one JSON document for programs."""
    about = machine()
    print(
        f"{benchmark} on {about['cpu']}, {about['cores']} cores, {about['simd']}, load {about['load']}", file=sys.stderr
    )
    for figure in figures:
        line = f"  {figure.name:<44}{figure.value:>12.4g} {figure.unit:<10}"
        if figure.ratio is not None:
            line += f"{figure.reference}: {figure.reference_value:.4g}  ratio {figure.ratio:.2f}  "
        print(line + (f"goal: {figure.goal}" if figure.goal else ""), file=sys.stderr)
    rows = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    print(json.dumps({"benchmark": benchmark, "machine": about, "figures": rows, **more}))


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text("utf-8").splitlines() if path.exists() else []
