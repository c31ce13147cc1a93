"""The parent's part: one process for each file that is being read, few at a time, kept for a minute after its last page.

The bytes go to it through a pipe and pages come back through another: nothing in clear touches a disk, nor stays in this
process. What the process holds in its memory ends with it, at the latest `idle` seconds after the last question.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from intranet.rendering import fonts
from search import extract_kill
from search.extract import environment
from search.extract_launch import Launcher
from search.extract_programs import NO_PROGRAMS, Programs

_ROOT = str(Path(__file__).resolve().parent.parent.parent)
# -I: neither the environment nor the working directory decides what is imported; -B: no bytecode is written.
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from intranet.rendering.child import main; main()"
_CHUNK = 65536
_MOST = 512 << 20  # bytes of one answer
_SPARE = 5.0  # seconds beside those of the child
#: What a file may be refused for.
NOTES = frozenset({
    "damaged", "empty", "encrypted", "legacy", "memory", "page", "spool", "timeout", "too_large", "unsupported",
})  # fmt: skip


class Busy(Exception):
    """As many pages are being made as may be at one time; try again in a moment."""


class Failed(Exception):
    """There is no page: `note` is one of `NOTES`, `detail` says more in English, for the log, never for a person."""

    def __init__(self, note: str, detail: str = "") -> None:
        super().__init__(note, detail)
        self.note, self.detail = note, detail


class Made(NamedTuple):
    """One answer: bytes of that media type, and of how many pages the file is."""

    body: bytes
    mime: str
    pages: int


class Body(NamedTuple):
    """A file that is to be opened. `key` names its content, which never changes; `pieces` gives it in clear."""

    key: str
    filename: str
    size: int
    pieces: Callable[[], Iterable[bytes]]


@dataclass
class Renderer:
    """One for each web process. `at_once`: pages made at one time; `kept`: files that stay open between their pages."""

    seconds: float = 30
    memory: int = 1 << 30
    convert_seconds: float = 60
    at_once: int = 2
    kept: int = 2
    idle: float = 60
    patience: float = 10
    programs: Callable[[], Programs] = lambda: NO_PROGRAMS
    font: fonts.Font | None = None
    _rooms: OrderedDict[str, _Room] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: threading.BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        self._turns = threading.BoundedSemaphore(self.at_once)

    def count(self, body: Body) -> int:
        """How many pages the file has. Raises as `page`."""
        return self._ask(body, {"do": "count"}).pages

    def page(
        self, body: Body, number: int, width: int, mark: Mapping[str, Any], *, bare: bool = False
    ) -> Made:
        """Page `number` (from 1) as a JPEG. Raises Failed, Busy, OSError, and what the source of the bytes raises."""
        asked = {"do": "page", "page": number - 1, "width": width, "mark": dict(mark)}
        return self._ask(body, asked | ({"bare": True} if bare else {}))

    def marked(self, body: Body, mark: Mapping[str, Any]) -> Made:
        """The whole file with the mark in it; its media type may be another. Raises as `page`."""
        return self._ask(body, {"do": "marked", "mark": dict(mark)})

    def close(self) -> None:
        """End every process."""
        with self._lock:
            rooms, self._rooms = list(self._rooms.values()), OrderedDict()
        for room in rooms:
            room.end()

    def forget(self, key: str) -> None:
        """End the process that holds this file, if it rests here."""
        with self._lock:
            room = self._rooms.pop(key, None)
        if room:
            room.end()

    def chosen_font(self) -> fonts.Font:
        return fonts.find() if self.font is None else self.font

    def _ask(self, body: Body, question: dict[str, Any]) -> Made:
        if body.size > self.memory // 4:
            raise Failed("too_large", f"{body.size} bytes")
        if not self._turns.acquire(timeout=self.patience):
            raise Busy
        room = None
        try:
            room = self._rested(body.key) or self._opened(body)
            made = room.ask(question)
            self._rest(body.key, room)
            return made
        except BaseException:
            if room:
                room.end()
            raise
        finally:
            self._turns.release()

    def _rested(self, key: str) -> _Room | None:
        with self._lock:
            gone = [k for k, room in self._rooms.items() if room.over]
            ended = [self._rooms.pop(k) for k in gone]
            found = self._rooms.pop(key, None)
        for room in ended:
            room.end()
        return found

    def _rest(self, key: str, room: _Room) -> None:
        with self._lock:
            ended = [self._rooms.pop(key)] if key in self._rooms else []
            self._rooms[key] = room
            while len(self._rooms) > self.kept:
                ended.append(self._rooms.popitem(last=False)[1])
        for old in ended:
            old.end()

    def _opened(self, body: Body) -> _Room:
        found = self.programs()
        font = self.chosen_font()
        return _Room(self, body, found, font)


class _Room:
    """One child with one file."""

    def __init__(self, by: Renderer, body: Body, programs: Programs, font: fonts.Font) -> None:
        self._stack = contextlib.ExitStack()
        self._seconds = by.seconds
        try:
            empty = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="render-"))
            self._office = self._stack.enter_context(
                Launcher(programs.soffice, by.convert_seconds, by.memory, environment())
            )
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOT, _ROOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=empty,
                env=environment(),
                close_fds=True,
                pass_fds=self._office.handed(),
                start_new_session=True,
            )
            self._stack.callback(_end, self._child)
            first = _first(by, body, font, self._office)
            self._office.started()
            self._feed(first, body)
        except BaseException:
            self._stack.close()
            raise

    @property
    def over(self) -> bool:
        return self._child.poll() is not None

    def end(self) -> None:
        self._stack.close()

    def ask(self, question: dict[str, Any]) -> Made:
        self._write(json.dumps(question).encode("ascii") + b"\n", self._seconds)
        patience = self._seconds + self._office.seconds + _SPARE
        head, newline, rest = self._read(patience, lambda out: b"\n" in out).partition(b"\n")
        try:
            said = json.loads(head)
            note, detail, size = str(said["note"]), str(said["detail"]), int(said["size"])
            pages, mime = int(said.get("pages", 0)), str(said.get("mime", ""))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Failed("damaged", "the child said nothing that is an answer") from error
        if not newline or not 0 <= size <= _MOST:
            raise Failed("damaged", "the child said more than it may")
        if len(rest) < size:
            rest += self._read(self._seconds, lambda out: len(rest) + len(out) >= size)
        if len(rest) != size:
            raise Failed("damaged", "half an answer")
        if note:
            clean = "".join(c for c in detail[:300] if c.isprintable())
            raise Failed(note if note in NOTES else "damaged", clean)
        return Made(rest, mime, pages)

    def _feed(self, first: bytes, body: Body) -> None:
        try:
            self._write(first, self._seconds)
            started = self._read(self._seconds + _SPARE, bool)
            if not started.startswith(b"\n"):
                raise RuntimeError(f"{sys.executable} cannot run intranet.rendering.child")
            for piece in body.pieces():
                self._write(piece, self._seconds)
        except BrokenPipeError:
            raise self._died() from None

    def _write(self, piece: bytes, patience: float) -> None:
        pipe = self._child.stdin
        if pipe is None:
            raise RuntimeError("the child has no pipes")
        fd = pipe.fileno()
        os.set_blocking(fd, False)
        ready = select.poll()
        ready.register(fd, select.POLLOUT)
        rest = memoryview(piece)
        try:
            while rest:
                if not ready.poll(1000 * (patience + _SPARE)):
                    raise Failed("timeout", "takes no bytes")
                rest = rest[os.write(fd, rest[:_CHUNK]) :]
        except BrokenPipeError:
            raise self._died() from None

    def _read(self, seconds: float, whole: Callable[[bytearray], bool]) -> bytes:
        """What the child says until `whole`; starts LibreOffice's process when the child knocks."""
        pipe = self._child.stdout
        if pipe is None:
            raise RuntimeError("the child has no pipes")
        fd, until, out = pipe.fileno(), time.monotonic() + seconds, bytearray()
        ready = select.poll()
        ready.register(fd, select.POLLIN)
        knock = self._office.listens()
        if knock is not None:
            ready.register(knock, select.POLLIN)
        while not whole(out):
            events = dict(ready.poll(max(0.0, 1000 * (until - time.monotonic()))))
            if not events:
                raise Failed("timeout", f"no answer in {seconds:g} s")
            if knock is not None and knock in events:
                ready.unregister(knock)
                if not events[knock] & select.POLLHUP:  # it asks, rather than ends
                    self._office.launch()
                knock = None
            if fd in events:
                piece = os.read(fd, _CHUNK)
                if not piece:
                    raise self._died()
                out += piece
                if len(out) > _MOST:
                    raise Failed("too_large", "an endless answer")
        return bytes(out)

    def _died(self) -> Failed:
        """What the end of a child without an answer means: -14 is its alarm, -24 its processor time, 3 and -9 its memory."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(_SPARE)
        code = self._child.returncode
        note = {-14: "timeout", -24: "timeout", 3: "memory", -9: "memory"}.get(code or 0, "damaged")
        return Failed(note, f"the child died (exit {code})")


def _first(by: Renderer, body: Body, font: fonts.Font, office: Launcher) -> bytes:
    read = [*filter(None, environment().get("LD_LIBRARY_PATH", "").split(os.pathsep))]
    asked = {
        "filename": body.filename,
        "size": body.size,
        "seconds": by.seconds,
        "memory": by.memory,
        "idle": by.idle,
        "font": list(font),
        "convert": office.asked(),
        "read": [*read, *([font.path] if font.path else [])],
    }
    return json.dumps(asked).encode("ascii") + b"\n"


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and all it may have started, and wait. Its number is ours until `wait`: no one else is hit."""
    if child.returncode is None:
        extract_kill.session(child.pid)
    for pipe in (child.stdin, child.stdout):
        if pipe and not pipe.closed:
            with contextlib.suppress(BrokenPipeError, OSError):
                pipe.close()
    child.wait()
