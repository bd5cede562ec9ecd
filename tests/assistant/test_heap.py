"""The C heap: few arenas, whatever the number of threads."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

# Twelve threads hold memory of the C heap at the same time; then glibc says how many arenas it made.
_COUNT = """
import ctypes, sys, threading
if sys.argv[2] == "small":
    from assistant import heap
    heap.keep_small()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier(12)
def hold():
    together.wait()
    libc.malloc(100_000)
    together.wait()
threads = [threading.Thread(target=hold) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_it_keeps_two_arenas_for_any_number_of_threads(tmp_path: Path) -> None:

    def arenas(how: str) -> int:
        told = f"{tmp_path}/{how}.xml"
        subprocess.run([sys.executable, "-c", _COUNT, told, how], check=True)
        with open(told, encoding="utf-8") as file:
            return file.read().count("<heap nr=")

    assert arenas("small") <= 2 < arenas("as it comes")
