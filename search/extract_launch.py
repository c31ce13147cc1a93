"""The parent's part in converting: starts LibreOffice's process when the reader asks, and ends it in every case.

The parent never sees the bytes: reader and converter talk over a pair of sockets, of which the parent hands one end
to each. It makes the folder in memory and removes it when both are dead.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from search import extract_kill, extract_private

_ROOT = str(Path(__file__).resolve().parent.parent)
# -I: neither the environment nor the working directory decides what is imported; -B: no bytecode is written.
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from search.extract_soffice import main; main()"


class Launcher:
    """For one file. `why` there will be no conversion: `legacy` (no LibreOffice), `spool` (no folder in memory), or ""."""

    def __init__(self, soffice: str, seconds: float, memory: int, environment: Mapping[str, str]) -> None:
        self._soffice, self._seconds, self._memory = soffice, seconds, memory
        self._environment = dict(environment)
        self._stack = contextlib.ExitStack()
        self._ours: socket.socket | None = None
        self._theirs: socket.socket | None = None
        self.why = "legacy" if not soffice else "" if extract_private.usable() else "spool"

    def __enter__(self) -> Self:
        if not self.why:
            ours, theirs = socket.socketpair()
            self._ours, self._theirs = self._stack.enter_context(ours), self._stack.enter_context(theirs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, _at)

    @property
    def seconds(self) -> float:
        """How long converting may take altogether; 0 where there is none."""
        return 0.0 if self.why else self._seconds

    def asked(self) -> dict[str, object]:
        """What the reader is told of the way to us."""
        line = {"socket": self._theirs.fileno()} if self._theirs else {}
        return {"why": self.why, "seconds": self.seconds, **line}

    def handed(self) -> tuple[int, ...]:
        """The descriptor that the reader has to inherit."""
        return (self._theirs.fileno(),) if self._theirs else ()

    def started(self) -> None:
        """The reader runs: its end is its own now, so that its death is seen on ours."""
        if self._theirs:
            self._theirs.close()

    def listens(self) -> int | None:
        """The descriptor on which a request shows; None where none is awaited (any more)."""
        return self._ours.fileno() if self._ours else None

    def launch(self) -> None:
        """Start the converting process. Raises OSError (no folder, no process)."""
        if self._ours is None:
            return
        folder = self._stack.enter_context(extract_private.folder())
        asked = {
            "soffice": self._soffice,
            "folder": str(folder),
            "seconds": self._seconds,
            "memory": self._memory,
        }
        child = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOT, _ROOT, json.dumps(asked)],
            stdin=self._ours.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=self._environment,
            start_new_session=True,
        )
        self._stack.callback(_end, child)
        self._ours.close()
        self._ours = None


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill it and whatever it started; its number is ours until `wait`."""
    extract_kill.session(child.pid)
    if child.stdout:
        child.stdout.close()
    child.wait()
