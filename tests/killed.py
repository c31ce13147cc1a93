"""A process that kills itself at one certain step: `kill -9` at every moment, one after the other, always the same ones."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "shutil.rmtree")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def run(act: Callable[[], None], folder: Path, step: int) -> bool:
    """Do it in a child that is killed before the `step`-th change of a file in the folder (from 1). Whether it came to its end.

    A step is whatever the disk could be left before: a file opened for writing, renamed, removed, written at a place,
    settled. What it has written, but not yet handed to the system, dies with it."""
    child = os.fork()
    if child == 0:
        try:
            _count(str(folder), step)
            act()
        except BaseException:  # noqa: BLE001  whatever it is, the parent must not go on in the child
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    assert os.waitstatus_to_exitcode(status) == 0, "the child failed by itself"
    return True


def everywhere(act: Callable[[], None], folder: Path) -> Iterator[int]:
    """Each step at which it was killed, in turn, until it comes to its end. The caller sets everything up again in between."""
    step = 1
    while not run(act, folder, step):
        yield step
        step += 1


def _count(folder: str, step: int) -> None:
    left = step

    def one() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, args: tuple[Any, ...]) -> None:
        changes = event in _CHANGES or (event == "open" and bool((args[2] or 0) & _WRITING))
        if changes and os.fspath(args[0] if not isinstance(args[0], int) else "").startswith(folder):
            one()

    sys.addaudithook(heard)
    for name in ("pwrite", "fsync"):
        real = getattr(os, name)

        def counted(*args: Any, real: Any = real) -> Any:
            one()
            return real(*args)

        setattr(os, name, counted)
