"""What the guards cost: a skill called through the registry beside the bare function, here and in its own process.

python benchmarks/skills_overhead.py [--calls 500]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.report import Figure, median, percentile, show
from skills import Person, SkillCall, skill
from skills.audit import AuditFile
from skills.builtin import Host, sources
from skills.calling import Functions
from skills.fake import embed_words
from skills.settings import SkillsSettings
from skills.skillset import Skillset

MODULE = (
    "from skills import skill\n\n@skill\ndef double_there(n: int) -> int:\n    'Double a number.'\n    return 2 * n\n"
)
ANYBODY = Person("benchmark", frozenset({"everyone"}))


@skill
async def double_here(n: int) -> int:
    """Double a number."""
    return 2 * n


async def timed(call: Callable[[int], Awaitable[object]], calls: int) -> list[float]:
    """Return the milliseconds of each call."""
    await call(0)
    times = []
    for n in range(calls):
        started = time.perf_counter()
        await call(n)
        times.append((time.perf_counter() - started) * 1e3)
    return times


async def measure(calls: int, folder: Path) -> list[Figure]:
    """Return the figures."""
    (folder / "skills").mkdir()
    (folder / "skills" / "team.py").write_text(MODULE)
    settings = SkillsSettings(calls_per_minute=1_000_000)
    started = time.perf_counter()
    skillset = await Skillset.open(
        settings,
        folder,
        embed=embed_words,
        audit=AuditFile(folder / "audit.jsonl"),
        builtin=lambda parts: sources(Host(), parts),
    )
    await skillset.registry.add(Functions("benchmark", [double_here]))
    opened = (time.perf_counter() - started) * 1e3

    async def through(name: str, n: int) -> object:
        result = await skillset.call(SkillCall(name, {"n": n}, ANYBODY))
        if result.data != 2 * n:
            raise SystemExit(f"{name} answered {result.text}")
        return result

    bare = await timed(double_here, calls)
    figures = [Figure("opening all skills, one module in its process", opened, "ms")]
    for name, where in (("double_here", "in this process"), ("double_there", "in its confined process")):
        if name == "double_there" and sys.platform != "linux":
            continue
        times = await timed(lambda n, name=name: through(name, n), calls)  # type: ignore[misc]  # bound at once
        figures.append(Figure(f"call {where}, p50", median(times), "ms", "bare function", median(bare)))
        figures.append(Figure(f"call {where}, p95", percentile(times, 0.95), "ms"))
    await skillset.close()
    return figures


def main() -> None:
    """Measure and print a table and one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show("skills_overhead", asyncio.run(measure(chosen.calls, Path(folder))), calls=chosen.calls)


if __name__ == "__main__":
    main()
