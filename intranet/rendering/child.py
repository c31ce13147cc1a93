"""The process in which a body becomes pages: limits first, then the bytes, then one answer a question, then gone.

Started by `intranet.rendering.runner` only. Standard input: a line of JSON with limits, name and size, then so many bytes, then
a line of JSON for each question. Standard output: an empty line once the process stands; for each question a line of JSON with
note, detail, pages, mime and size, then `size` bytes. It ends by itself when nobody asks for `idle` seconds, or when the one
who asks is gone.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import select
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import Any

from search.extract_child import EXIT_MEMORY
from search.extract_clock import Clock
from search.extract_sandbox import confine

_CPU_SECONDS = 900  # of one process, for all that is asked of it
_HERE = Path(__file__).resolve().parent
_READ = (
    *("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/dev/urandom"),
    *(
        sys.prefix,
        sys.base_prefix,
        str(_HERE),
        str(_HERE.parent / "__init__.py"),
        str(_HERE.parent.parent / "search"),
    ),
)
_JPEG = {"quality": 84}


class _Input:
    """Standard input: bytes, then lines."""

    def __init__(self) -> None:
        self._left = b""

    def line(self, seconds: float | None = None) -> bytes:
        """The next line; empty where the other end is gone, or nothing came in time."""
        while b"\n" not in self._left:
            if seconds is not None and not select.select([0], [], [], seconds)[0]:
                return b""
            piece = os.read(0, 65536)
            if not piece:
                return b""
            self._left += piece
        found, _, self._left = self._left.partition(b"\n")
        return found

    def take(self, size: int) -> bytes:
        out = io.BytesIO()
        out.write(self._left[:size])
        self._left = self._left[size:]
        while out.tell() < size:
            piece = os.read(0, min(1 << 20, size - out.tell()))
            if not piece:
                os._exit(0)
            out.write(piece)
        return out.getvalue()


class Room:
    """One file, opened once."""

    def __init__(self, asked: dict[str, Any], data: bytes) -> None:
        from intranet.rendering.fonts import Font

        self._asked, self._data = asked, data
        self._font = Font(*asked["font"])
        self._sheets: dict[tuple[object, ...], Any] = {}
        self._source: Any = None
        self._mime = ""

    def answer(self, question: dict[str, Any], clock: Clock) -> tuple[dict[str, Any], bytes]:
        """What is sent back. Raises MemoryError and nothing else."""
        from search.extract_sink import Problem

        try:
            head, body = self._do(question, clock)
            return {"note": "", "detail": "", **head}, body
        except Problem as problem:
            return {"note": problem.note, "detail": problem.detail}, b""
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the libraries are large: any other error means a bad file
            return {"note": "damaged", "detail": f"{type(error).__name__}: {error}"[:200]}, b""

    def _do(self, question: dict[str, Any], clock: Clock) -> tuple[dict[str, Any], bytes]:
        from intranet.rendering import mark as marks
        from search.extract_sink import Problem

        self._open(clock)
        what = question["do"]
        if what == "count":
            return {"pages": self._source.pages, "mime": self._mime}, b""
        given = question["mark"]
        mark = marks.Mark(tuple(given["lines"]), given["foot"])
        if what == "marked":
            body, mime = self._marked(mark)
            return {"pages": self._source.pages, "mime": mime}, body
        number, pages = int(question["page"]), self._source.pages
        if not 0 <= number < pages:
            raise Problem("page", f"there are {pages}")
        image = self._source.draw(number, int(question["width"]))
        out = io.BytesIO()
        if question.get("bare"):
            image.save(out, "JPEG", **_JPEG)
        else:
            marks.burn(image, mark, self._font, self._sheets).save(out, "JPEG", **_JPEG)
        return {"pages": pages, "mime": "image/jpeg"}, out.getvalue()

    def _open(self, clock: Clock) -> None:
        from intranet.rendering import office, sources
        from search.extract_legacy import Line
        from search.extract_sink import Problem
        from search.filetype import EMPTY, sniff
        from search.filetype_containers import ENCRYPTED_OFFICE

        if self._source is not None:
            return
        self._mime = sniff(self._data, self._asked["filename"], library=False)
        if self._mime == EMPTY:
            raise Problem("empty", "no bytes")
        if self._mime == ENCRYPTED_OFFICE:
            raise Problem("encrypted", "Office document with a password")
        if office.converts(self._mime):
            told = self._asked["convert"]
            line = socket.socket(fileno=told["socket"]) if "socket" in told else None
            self._data = office.to_pdf(
                self._data, self._mime, Line(told["why"], line, told["seconds"]), clock
            )
            self._mime = "application/pdf"
        if self._mime == "application/pdf":
            self._source = sources.Pdf(self._data)
        elif self._mime.startswith("image/"):
            self._source = sources.Picture(self._data)
        elif self._mime.startswith("text/"):
            self._source = sources.Text(self._data, self._font)
        else:
            raise Problem("unsupported", f"no pages in {self._mime}")

    def _marked(self, mark: Any) -> tuple[bytes, str]:
        from intranet.rendering import marked

        if self._mime == "application/pdf":
            return marked.pdf(self._data, mark, self._font)
        if self._mime.startswith("image/"):
            return marked.picture(self._data, mark, self._font)
        return marked.text(self._data, mark, self._mime)


def main() -> None:
    """Serve one file and end the process."""
    given = _Input()
    asked = json.loads(given.line())
    _say(b"\n")
    try:
        _limit(int(asked["memory"]))
        confine((*_READ, *asked["read"]), ("/dev/null",))
        warnings.simplefilter("ignore")  # of the libraries, about the file
        room = Room(asked, given.take(int(asked["size"])))
        while question := given.line(float(asked["idle"])):
            clock = Clock(float(asked["seconds"]), hard=True)
            head, body = room.answer(json.loads(question), clock)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _say(json.dumps(head | {"size": len(body)}).encode("ascii") + b"\n" + body)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    except BrokenPipeError:
        pass
    os._exit(0)


def _limit(memory: int) -> None:
    """No file written, few opened, no core dump: that would be the file in clear."""
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (bound, bound))


def _say(message: bytes) -> None:
    view = memoryview(message)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
