"""Text of a file for the index, read in a child process so that no file can harm the one that asks.

The bytes go through a pipe and the text comes back through another: sealed documents never touch the disk in
clear. The child has limits on memory, processor time, time, output and files, its own session, an empty
environment, an empty working directory, no network, and no files to open but programs; it is killed and waited for in
every case. Old Office formats go on to a second process (`search.extract_launch`), pictures to Tesseract.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

from search import extract_notes
from search.extract_child import EXIT_MEMORY
from search.extract_clock import SPARE_SECONDS
from search.extract_launch import Launcher
from search.extract_programs import NO_PROGRAMS, Programs, prefix

_CHUNK = 65536
# -I: neither the environment nor the working directory decides what is imported; -B: no bytecode is written.
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from search.extract_child import main; main()"
_ROOT = str(Path(__file__).resolve().parent.parent)
_TOO_LONG = (-signal.SIGALRM, -signal.SIGXCPU)


class Extracted(NamedTuple):
    """Text of a file. `note` as in `search.extract_notes`; `detail` says more in English, for the log, never for a person."""

    text: str
    note: str
    mime: str
    detail: str = ""


class ExtractorBroken(RuntimeError):
    """The child did not even start: the installation is at fault, not the file."""


class _TimeUp(Exception):
    """The child did not take the bytes, or did not answer, in time."""


def extract(
    data: bytes | BinaryIO | Iterable[bytes],
    filename: str,
    *,
    seconds: float = 30,
    memory: int = 1 << 30,
    max_chars: int = extract_notes.MOST_CHARS,
    programs: Programs = NO_PROGRAMS,
    convert_seconds: float = 120,
    ocr_pages: int = 40,
    ocr_seconds: float = 600,
) -> Extracted:
    """The text of `data`, a file that was called `filename`.

    `seconds` runs from the moment the child has all bytes: it stops itself then, and is killed if it does not. What
    LibreOffice and Tesseract take for this file is limited apart. `memory` bounds the address space of each process, and
    a quarter of it the size of the file. Never raises because of what the file contains. Raises what the source of the
    bytes raises, OSError where nothing can be started, and `ExtractorBroken`.
    """
    ocr = {
        "program": programs.tesseract,
        "languages": sorted(programs.languages),
        "pages": ocr_pages,
        "seconds": ocr_seconds,
    }
    recognises = programs.recognises and ocr_pages > 0
    most = 4 * max_chars + _CHUNK
    with (
        tempfile.TemporaryDirectory(prefix="extract-") as empty,
        Launcher(programs.soffice, convert_seconds, memory, environment()) as office,
    ):
        asked = {
            "filename": filename,
            "seconds": seconds,
            "memory": memory,
            "max_chars": max_chars,
            "ocr": ocr if recognises else None,
            "convert": office.asked(),
            "read": [
                *filter(None, environment().get("LD_LIBRARY_PATH", "").split(os.pathsep)),
                *([prefix(programs.tesseract)] if recognises else []),
            ],
        }
        first = json.dumps(asked).encode("ascii") + b"\n"
        patience = seconds + office.seconds + (ocr_seconds if recognises else 0) + min(SPARE_SECONDS, seconds)
        child = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOT, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env=environment(),
            close_fds=True,
            pass_fds=office.handed(),
            start_new_session=True,
        )
        try:
            if child.stdin is None or child.stdout is None:  # both were asked for above
                raise ExtractorBroken("the child has no pipes")
            office.started()
            late = False
            out = b""
            try:
                _feed(child.stdin, _pieces(first, data), seconds)
                out = _collect(child.stdout, patience, most, office)
            except _TimeUp:
                late = True
        finally:
            _end(child)
    if late:
        return Extracted("", "timeout", "", f"not read within {patience:g} s")
    if not out.startswith(b"\n"):
        raise ExtractorBroken(f"{sys.executable} cannot run search.extract_child (exit {child.returncode})")
    if len(out) > most:
        return Extracted("", "damaged", "", "the reader said more than it may")
    return _parse(out[1:], max_chars) or _died(child.returncode)


def environment() -> dict[str, str]:
    """Nothing of ours (keys, database URL) but where the C libraries are. One thread for Tesseract: the rest is for people."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1", **kept}


def _pieces(first: bytes, data: bytes | BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    yield first
    if isinstance(data, bytes):
        yield data
    elif hasattr(data, "read"):
        while piece := data.read(_CHUNK):
            yield piece
    else:
        yield from data


def _feed(pipe: IO[bytes], pieces: Iterator[bytes], patience: float) -> None:
    """Hand the bytes over; a child that takes none of them for `patience` seconds plus start-up is stuck."""
    fd = pipe.fileno()
    os.set_blocking(fd, False)
    ready = select.poll()
    ready.register(fd, select.POLLOUT)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                if not ready.poll(1000 * (patience + 5)):
                    raise _TimeUp
                # A pipe that is ready takes at least PIPE_BUF bytes; what it does not take is offered again.
                rest = rest[os.write(fd, rest[:_CHUNK]) :]
    except BrokenPipeError:
        return  # the child has answered without the rest, or has died: its answer or its end will tell
    finally:
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _collect(pipe: IO[bytes], seconds: float, most: int, office: Launcher) -> bytes:
    """All the child says, until it ends; stops at `most` bytes, which an honest child never sends."""
    fd = pipe.fileno()
    ready = select.poll()
    ready.register(fd, select.POLLIN)
    knock = office.listens()
    if knock is not None:
        ready.register(knock, select.POLLIN)
    until = time.monotonic() + seconds
    out = bytearray()
    while len(out) <= most:
        events = dict(ready.poll(max(0.0, 1000 * (until - time.monotonic()))))
        if not events:
            raise _TimeUp
        if knock is not None and knock in events:
            ready.unregister(knock)
            if not events[knock] & select.POLLHUP:  # it asks, rather than ends
                office.launch()
        if fd in events:
            piece = os.read(fd, _CHUNK)
            if not piece:
                break
            out += piece
    return bytes(out)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and all it may have started, and wait. Its number is ours until `wait`: no one else is hit."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    for pipe in (child.stdin, child.stdout):
        if pipe and not pipe.closed:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    child.wait()


def _parse(out: bytes, max_chars: int) -> Extracted | None:
    """The child's answer if it is whole. A file may have taken the child over: nothing in here is believed."""
    head, newline, body = out.partition(b"\n")
    try:
        said = json.loads(head)
        note, mime, detail, size = said["note"], said["mime"], said["detail"], said["size"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not newline or size != len(body) or not isinstance(note, str) or not isinstance(mime, str):
        return None
    text = body.decode("utf-8", "replace").replace("\0", "")
    if len(text) > max_chars or not extract_notes.valid(note):
        return None
    return Extracted(text, note, _printable(mime, 120), _printable(str(detail), 500))


def _printable(text: str, most: int) -> str:
    """One line without escapes: names from inside the file end up in the log."""
    return "".join(c for c in text[:most] if c.isprintable())


def _died(code: int) -> Extracted:
    """What the end of a child without an answer means."""
    if code in _TOO_LONG:
        return Extracted("", "timeout", "", "out of processor time")
    if code in (EXIT_MEMORY, -signal.SIGKILL):
        return Extracted("", "memory", "", "out of memory")
    return Extracted("", "damaged", "", f"the reader died (exit {code})")
