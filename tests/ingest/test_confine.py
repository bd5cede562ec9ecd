"""A process that has confined itself: what it can no longer do."""

from __future__ import annotations

import mmap
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.confine import confine, renew_processor_time, widen_for_pictures
from ingest.settings import MIB, Limits


def confined(act: Callable[[], object], limits: Callable[[], Limits] = Limits) -> str:
    """Return what happens to `act` in a process that has confined itself: its result or the name of its error.

    The limits are made in that process, which may have less memory than this one: libraries keep pages from copies.
    """
    incoming, outgoing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            confine(limits())
            os.write(outgoing, str(act()).encode())
        except Exception as exc:  # noqa: BLE001
            os.write(outgoing, type(exc).__name__.encode())
        finally:
            os._exit(0)
    os.close(outgoing)
    answer = os.read(incoming, 1000).decode()
    os.close(incoming)
    _, status = os.waitpid(child, 0)
    return answer or f"signal {os.WTERMSIG(status)}"


def test_it_can_write_nothing(tmp_path: Path) -> None:
    assert confined(lambda: (tmp_path / "x").write_bytes(b"x" * 100)) == "OSError"
    assert not (tmp_path / "x").exists() or (tmp_path / "x").stat().st_size == 0


def more_than_now(mib: int) -> int:
    """Return the memory that this process has plus `mib`; in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    now = next(int(line.split()[1]) for line in lines if line.startswith("VmData"))
    return now * 1024 + mib * MIB


def allocated(size: int) -> int:
    """Return the size of a new private mapping: what `malloc` gives may be old memory, which a large process has."""
    return len(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def scant() -> Limits:
    return Limits(memory_bytes=more_than_now(100), ocr_memory_bytes=more_than_now(300))


def test_it_can_allocate_only_what_it_may() -> None:
    assert confined(lambda: allocated(50 * MIB), scant) == str(50 * MIB)
    assert confined(lambda: allocated(200 * MIB), scant) == "OSError"


def test_it_can_be_given_more_memory_for_pictures_but_not_more_than_planned() -> None:
    limits: list[Limits] = []

    def planned() -> Limits:
        limits.append(scant())
        return limits[-1]

    def widened(size: int) -> int:
        widen_for_pictures(limits[-1])
        return allocated(size)

    assert confined(lambda: widened(200 * MIB), planned) == str(200 * MIB)
    assert confined(lambda: widened(400 * MIB), planned) == "OSError"


def test_it_can_compute_only_so_long() -> None:
    def spin() -> None:
        renew_processor_time(Limits(cpu_s=1))
        while True:
            pass

    assert confined(spin) == f"signal {signal.SIGXCPU.value}"


def test_it_reaches_no_network_where_the_system_allows_to_say_so() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    answer = confined(lambda: socket.create_connection(server.getsockname()[:2], 1).close())
    server.close()
    if answer == "None":
        pytest.skip("this system lets no ordinary process give up its network")
    assert answer in ("OSError", "ConnectionRefusedError")
