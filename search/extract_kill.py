"""Ending all processes of a session (POSIX): what a program starts stays in it, also when its own parent is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import time

_PATIENCE = 5


def session(leader: int, *, spare: int = 0) -> None:
    """Kill every process of the session that `leader` began, but `spare`, and see them gone.

    The caller has not waited for `leader` yet, or is in the session itself, so the number still means this one.
    """
    until = time.monotonic() + _PATIENCE
    while found := [pid for pid in _of(leader) if pid != spare]:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            return  # one that hangs in the kernel cannot be hurried
        time.sleep(0.002)


def _of(leader: int) -> list[int]:
    """The living processes of a session (proc(5): after the name in brackets come state, parent, group, session)."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - only names are wanted
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                state, _parent, _group, its = stat.read().rpartition(b")")[2].split()[:4]
                if int(its) == leader and state not in (b"Z", b"X"):
                    found.append(int(name))
    return found
