"""What a reading process gives up before it touches a file: memory, time, writing, network, outliving its parent."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

from ingest.settings import Limits

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_OPEN_FILES = 64


def confine(limits: Limits) -> None:
    """Apply the limits to this process for good; they can be widened for pictures, but not by more than planned.

    The network is taken away where the system lets an ordinary user do so; elsewhere the loaders' parsers, which know
    no network, are what stands.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no file can grow: the reader has nothing to write
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.ocr_memory_bytes))
    renew_processor_time(limits)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # last: the kernel forgets it when rights change
    os.nice(5)  # whoever is waiting for an answer comes first


def widen_for_pictures(limits: Limits) -> None:
    """Allow the memory that the recognition of text needs."""
    resource.setrlimit(resource.RLIMIT_DATA, (limits.ocr_memory_bytes, limits.ocr_memory_bytes))


def renew_processor_time(limits: Limits) -> None:
    """Allow as many processor seconds as a document may take, from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + limits.cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
