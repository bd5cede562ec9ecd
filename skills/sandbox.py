"""What a process with a team's Python skills may do, set by the process on itself before it reads their code.

Linux only, without privileges: resource limits; Landlock (no file outside its own folders); seccomp (no sockets, no
other program, no other process, nothing of the kernel's administration). A process cannot take these back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from skills.errors import BadSkill

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SIGKILL = 9

# Landlock: include/uapi/linux/landlock.h. The three calls have these numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15  # those that a rule on a single file may name
_IOCTL_DEV, _EXECUTING = 1 << 15, _EXECUTE

# Seccomp: include/uapi/linux/{filter,seccomp,audit}.h.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _ARG0 = 0, 4, 16  # offsets in struct seccomp_data; arguments are 64 bits, the lower half first
_CLONE_THREAD = 0x10000
_X32_BIT = 0x40000000


@dataclass(frozen=True, slots=True)
class _Machine:
    arch: int
    denied: tuple[int, ...]  # system calls that answer EPERM
    clone: int
    clone3: int
    signals: tuple[int, ...]  # kill, tgkill: to itself only


# execve execveat socket connect bind listen accept accept4 ptrace process_vm_readv/writev io_uring_setup/enter/register
# mount umount2 pivot_root chroot unshare setns bpf perf_event_open keyctl add_key request_key userfaultfd reboot
# kexec_load init_module finit_module delete_module swapon swapoff settimeofday clock_settime sethostname
# setdomainname tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal pidfd_getfd
# move_mount open_tree fsopen fsmount open_by_handle_at setpriority sched_setscheduler; and, as Landlock does not cover
# them, chmod, chown, setxattr, removexattr, utime with their variants
_MACHINES = {
    "x86_64": _Machine(
        arch=0xC000003E,
        denied=(59, 322, 41, 42, 49, 50, 43, 288, 57, 58, 101, 310, 311, 425, 426, 427, 165, 166, 155, 161, 272, 308)
        + (321, 298, 250, 248, 249, 323, 169, 246, 175, 313, 176, 167, 168, 164, 227, 170, 171, 200, 129, 297, 434)
        + (424, 438, 429, 428, 430, 432, 304, 141, 144, 90, 91, 268, 452, 92, 93, 94, 260, 188, 189, 190, 197, 198, 199)
        + (132, 235, 280, 261),
        clone=56,
        clone3=435,
        signals=(62, 234),
    ),
    "aarch64": _Machine(
        arch=0xC00000B7,
        denied=(221, 281, 198, 203, 200, 201, 202, 242, 117, 270, 271, 425, 426, 427, 40, 39, 41, 51, 97, 268, 280, 241)
        + (219, 217, 218, 282, 142, 104, 105, 273, 106, 224, 225, 170, 112, 161, 162, 130, 138, 240, 434, 424, 438)
        + (429, 428, 430, 432, 265, 140, 119, 52, 53, 452, 54, 55, 5, 6, 7, 14, 15, 16, 88),
        clone=220,
        clone3=435,
        signals=(129, 131),
    ),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may take."""

    memory_bytes: int
    file_bytes: int = 50_000_000  # largest file it may write
    open_files: int = 64
    cpu_s: int = 600  # over its whole life; it is started anew after that


def confine(limits: Limits, readable: Iterable[Path], scratch: Path) -> None:
    """Confine this process, and its later threads, for good. Call it while there is one thread only.

    It may read under `readable` and write under `scratch` alone. Raises BadSkill when the system offers no Landlock or
    seccomp.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _limit(limits)
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise BadSkill(_unsupported("no_new_privs"))
    _landlock(libc, readable, scratch)
    _seccomp(libc)


def _unsupported(what: str) -> str:
    return (
        f"This system offers no {what} ({os.strerror(ctypes.get_errno())}), so a team's Python skills cannot be "
        "confined and are not run. Use Linux 5.13 or newer on x86_64 or aarch64."
    )


def _limit(limits: Limits) -> None:
    for kind, amount in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (amount, amount))


def _landlock(libc: ctypes.CDLL, readable: Iterable[Path], scratch: Path) -> None:
    abi = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        raise BadSkill(_unsupported("Landlock"))
    every = _ALL_BY_ABI[min(abi, 5)]
    attribute = ctypes.create_string_buffer(struct.pack("=Q", every), 8)
    ruleset = libc.syscall(_CREATE_RULESET, attribute, ctypes.c_size_t(8), 0)
    if ruleset < 0:
        raise BadSkill(_unsupported("Landlock"))
    for path in readable:
        _allow(libc, ruleset, path, (_READ_FILE | _READ_DIR) & every)
    _allow(libc, ruleset, scratch, every & ~(_IOCTL_DEV | _EXECUTING))
    if libc.syscall(_RESTRICT_SELF, ruleset, 0) != 0:
        raise BadSkill(_unsupported("Landlock"))
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    if not path.exists():
        return
    beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not path.is_dir():
        rights &= _FILE_RIGHTS
    rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, beneath), 12)
    failed = libc.syscall(_ADD_RULE, ruleset, 1, rule, 0)
    os.close(beneath)
    if failed:
        raise BadSkill(_unsupported(f"Landlock rule for {path}"))


def _seccomp(libc: ctypes.CDLL) -> None:
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise BadSkill(_unsupported(f"seccomp filter of ours for {platform.machine()}"))
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in _program(machine, os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(
        struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer)), struct.calcsize("@HP")
    )
    if libc.prctl(_PR_SET_SECCOMP, 2, program, 0, 0) != 0:
        raise BadSkill(_unsupported("seccomp"))


def _program(machine: _Machine, pid: int) -> list[tuple[int, int, int, int]]:
    """Return the filter as (operation, skip if true, skip if false, value)."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    accept = (_RETURN, 0, 0, _ALLOW)
    program = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, machine.arch), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NR)]
    program += [(_AT_LEAST, 0, 1, _X32_BIT), refuse]
    for number in machine.denied:
        program += [(_EQUAL, 0, 1, number), refuse]
    # The C library falls back to clone, whose flags can be read here, when clone3 is unknown.
    program += [(_EQUAL, 0, 1, machine.clone3), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    program += [(_EQUAL, 0, 4, machine.clone), (_LOAD, 0, 0, _ARG0), (_ANY_BIT, 0, 1, _CLONE_THREAD), accept, refuse]
    for number in machine.signals:
        program += [(_EQUAL, 0, 4, number), (_LOAD, 0, 0, _ARG0), (_EQUAL, 0, 1, pid), accept, refuse]
    return [*program, accept]
