"""Confining this process and all it starts: no network, and no file but those named (Linux: seccomp, Landlock).

A file may take over the program that reads it. Such a program still runs as the service user; confined, it can
neither call home nor read the keys. Both are for good, inherited, and need no privilege and no namespace, so
they hold under systemd's and Docker's own confinement too. Where the kernel knows neither, `confine` says so.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from typing import NamedTuple

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2

# System call numbers and AUDIT_ARCH_* of the two architectures we know (linux/audit.h, asm/unistd.h).
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_IO_URING_SETUP = 425  # it opens sockets without the system call
_X32 = 0x40000000  # the other numbering of x86-64
_AF_UNIX, _NO_FAMILY = 1, 0xFFFFFFFF

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same everywhere
_PATH_BENEATH = 1
# linux/landlock.h: rights on files, in the order of their bits.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_FILE, _MAKE_SOCK, _REFER, _TRUNCATE = 1 << 5, 1 << 9, 1 << 13, 1 << 14
_FIRST = (1 << 13) - 1  # those of the first version
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE  # the others are of folders only


class Confined(NamedTuple):
    """What holds from now on: `network` no socket to elsewhere can be made, `files` only what was named can be opened."""

    network: bool
    files: bool


def able() -> Confined:
    """What this machine can hold, without doing it."""
    return Confined(os.uname().machine in _SOCKET, _version() > 0)


def confine(read: Iterable[str], write: Iterable[str] = (), sockets: str = "") -> Confined:
    """Take network and files away, but for reading and running what is under `read`, and all under `write`.

    `sockets` names a folder in which sockets of this machine (AF_UNIX) may be made: LibreOffice does not start without one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return Confined(network=False, files=False)
    files = _only(libc, read, write, sockets)
    return Confined(_no_sockets(libc, bool(sockets)), files)


def _no_sockets(libc: ctypes.CDLL, local: bool) -> bool:
    """A filter over system calls, in BPF over struct seccomp_data: number at 0, architecture at 4, first argument at 16."""
    known = _SOCKET.get(os.uname().machine)
    if known is None:
        return False
    arch, socket = known
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allowed, refused = 0x7FFF0000, 0x00050000 | 13  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with EACCES
    steps = (  # operation, steps to skip if so, if not, value
        (load, 0, 0, 4),
        (equal, 0, 7, arch),
        (load, 0, 0, 0),
        (at_least, 5, 0, _X32),
        (equal, 4, 0, _IO_URING_SETUP),
        (equal, 0, 2, socket),
        (load, 0, 0, 16),
        (equal, 0, 1, _AF_UNIX if local else _NO_FAMILY),
        (answer, 0, 0, allowed),
        (answer, 0, 0, refused),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER, program, 0, 0) == 0)


def _version() -> int:
    """Which Landlock the kernel has; 0: none, or it is forbidden here."""
    found = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    return max(0, int(found))


def _only(libc: ctypes.CDLL, read: Iterable[str], write: Iterable[str], sockets: str) -> bool:
    version = _version()
    if not version:
        return False
    rights = _FIRST | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    handled = ctypes.create_string_buffer(struct.pack("=Q", rights))
    ruleset = libc.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(8), ctypes.c_uint(0))
    if ruleset < 0:
        return False
    try:
        places = (
            (read, _EXECUTE | _READ_FILE | _READ_DIR),
            (write, rights & ~_EXECUTE),
            ([sockets] if sockets else [], _MAKE_SOCK | _REMOVE_FILE),
        )
        for paths, given in places:
            for path in paths:
                _allow(libc, ruleset, path, given)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint(0)) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    """One rule; a path that is not there needs none."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - the child imports as little as it can
            rights &= _OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, place))
        libc.syscall(_ADD_RULE, ruleset, ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
    finally:
        os.close(place)
