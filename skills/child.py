"""The process in which a team's Python skills run: confines itself, reads their module, then answers calls.

stdin   {"module", "scratch", "memory_bytes", ...}   once
stdout  {"skills": [...]} or {"error"}               once
stdin   {"name", "arguments", "user_id", "principals"}
stdout  {"fetch": {...}}  ->  stdin {"status", "text"} or {"error"}   as often as the skill fetches
stdout  {"progress": [done, note]}   as often as the skill says how far it is; nothing answers it
stdout  {"status", "text", "data"}
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import sysconfig
import traceback
from io import FileIO
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from skills.calling import invoke
from skills.declare import Declaration, declaration_of
from skills.errors import BadSkill, NameClash, SkillError
from skills.frames import Frame, encode, read
from skills.outside import DOOR, PROGRESS, spaced
from skills.sandbox import Limits, confine
from skills.types import Person

_PACKAGE = Path(__file__).parent
_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/dev/null", "/dev/urandom"),
    *("/proc/self/cgroup", "/sys/fs/cgroup", "/sys/devices/system/cpu"),  # how much memory and how many cores there are
)


def main() -> None:
    """Run until stdin ends."""
    inward, outward = _take_pipes()
    order = read(inward)
    if order is None:
        return
    try:
        _confine(order)
        declared = load(Path(order["module"]))
    except SkillError as exc:
        outward.write(encode({"error": str(exc)}))
        return
    outward.write(encode({"skills": [_describe(each) for each in declared.values()]}))

    def door(request: dict[str, Any]) -> dict[str, Any]:
        outward.write(encode({"fetch": request}))
        return read(inward) or {"error": "The server went away."}

    DOOR.set(door)
    PROGRESS.set(spaced(lambda done, note: outward.write(encode({"progress": [done, note]}))))
    with asyncio.Runner() as runner:
        while (frame := read(inward)) is not None:
            outward.write(runner.run(_answer(declared, frame, order["max_output_bytes"])))


def _take_pipes() -> tuple[BinaryIO, _Whole]:
    """Keep the pipes to the server for ourselves; what a skill prints goes to stderr."""
    inward = os.fdopen(os.dup(0), "rb")
    outward = FileIO(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return inward, _Whole(outward)


class _Whole:
    """Writes all bytes to an unbuffered pipe, which may take them in parts."""

    def __init__(self, pipe: FileIO) -> None:
        self._pipe = pipe

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._pipe.write(view) :]


def _confine(order: Frame) -> None:
    module, scratch = Path(order["module"]), Path(order["scratch"])
    paths = (*_SYSTEM, sys.prefix, sys.base_prefix, sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    own = module.parent if module.name == "__init__.py" else module
    os.chdir(scratch)
    confine(Limits(order["memory_bytes"]), (*map(Path, paths), _PACKAGE, own), scratch)


def load(path: Path) -> dict[str, Declaration]:
    """Return the marked functions of the module at `path` by name, in the order of the file.

    Only functions of the module itself count, not those that it imports. Raises BadSkill when it cannot be read.
    """
    module = _module(path)
    found: dict[str, Declaration] = {}
    for value in vars(module).values():
        declared = declaration_of(value)
        if declared is None or getattr(value, "__module__", None) != module.__name__:
            continue
        other = found.setdefault(declared.name, declared)
        if other.function is not declared.function:
            raise NameClash(declared.name, f"{path.name} (first)", f"{path.name} (second)")
    if not found:
        raise BadSkill(f"{path.name} has no function marked with @skill. Mark one, or move the file away.")
    return found


def _module(path: Path) -> ModuleType:
    name = "team_" + (path.parent.name if path.name == "__init__.py" else path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadSkill(f"{path.name} is no Python module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BadSkill:
        raise
    except BaseException as exc:  # a stranger's module may do anything at import, sys.exit included
        traceback.print_exc()
        raise BadSkill(f"{path.name} cannot be loaded: {type(exc).__name__}: {exc}") from exc
    return module


def _describe(declared: Declaration) -> Frame:
    return {
        "name": declared.name,
        "description": declared.description,
        "effect": declared.effect,
        "parameters": declared.parameters,
        "tags": sorted(declared.tags),
    }


async def _answer(declared: dict[str, Declaration], frame: Frame, max_bytes: int) -> bytes:
    person = Person(frame["user_id"], frozenset(frame["principals"]))
    result = await invoke(declared[frame["name"]], frame["arguments"], person)
    size = len(result.text)
    if size <= max_bytes:
        data = None if isinstance(result.data, str) else result.data
        reply = encode({"status": result.status, "text": result.text, "data": data})
        if len(reply) <= max_bytes:
            return reply
        size = len(reply)
    said = f"The skill returned {size / 1e6:.1f} MB, over the limit of {max_bytes / 1e6:.1f} MB."
    return encode({"status": "failed", "text": said, "data": None})


if __name__ == "__main__":
    main()
