"""From bytes and a name to text: finds the kind, picks the reader, turns every failure into a note.

Run in the child. Readers are imported when first needed, so a text file does not pay for the Office libraries.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from search.extract_clock import Clock
from search.extract_legacy import KINDS, Line, convert
from search.extract_notes import compose
from search.extract_ocr import Ocr, Pictures
from search.extract_picture import FEW
from search.extract_sink import Full, Problem, Sink
from search.extract_zip import Inside, summary
from search.filetype import EMPTY, sniff
from search.filetype_containers import DOCX, ENCRYPTED_OFFICE, MACRO_BASE, ODF, OFD, PPTX, XLSX, ZIP

_READERS = {
    DOCX: "search.extract_office:read_docx",
    XLSX: "search.extract_office:read_xlsx",
    PPTX: "search.extract_office:read_pptx",
    OFD: "search.extract_odf:read_ofd",
    "text/plain": "search.extract_text:read_plain",
    "text/csv": "search.extract_text:read_plain",
    "text/markdown": "search.extract_text:read_plain",
    "text/xml": "search.extract_text:read_plain",
    "text/html": "search.extract_text:read_html",
}
_SEEN = {
    "application/pdf": "search.extract_pdf:read"
}  # what may have to be looked at; the others are pictures
_CONTAINERS = {ZIP: "search.extract_zip:read", "message/rfc822": "search.extract_mail:read"}
_DOCUMENTS = frozenset({DOCX, PPTX, OFD})  # and ODF: ZIPs that may hold nothing but pictures of pages


class Means(NamedTuple):
    """What reading may use besides the bytes."""

    clock: Clock
    ocr: Ocr | None = None
    line: Line = Line("legacy")


class Answer(NamedTuple):
    """What the child sends back; see `search.extract.Extracted`."""

    text: str
    note: str
    mime: str
    detail: str


def read(data: bytes, filename: str, max_chars: int, means: Means) -> Answer:
    """Text of a file. Raises nothing but MemoryError, whatever the bytes."""
    return _Reading(max_chars, means).whole(data, filename)


class _Reading:
    """One file with all that is inside it: one text, one clock, one budget of pages."""

    def __init__(self, max_chars: int, means: Means) -> None:
        self._sink = Sink(max_chars, means.clock)
        self._means = means
        self._pictures = Pictures(means.ocr, means.clock)
        self._unread: list[tuple[str, str]] = []  # files inside, with the reason

    def whole(self, data: bytes, filename: str) -> Answer:
        mime, problem, detail = self._read(data, filename, nested=False)
        text = self._sink.text()
        counted = self._pictures.counted
        if not text and not problem and not self._unread and counted.seen == counted.done:
            problem, detail = "empty", "no text in the file"
        reasons = Counter(reason for _, reason in self._unread)
        note = compose(problem, counted, reasons, has_text=bool(text))
        return Answer(text, note, mime, detail or summary(self._unread))

    def _part(self, data: bytes, name: str) -> None:
        problem = self._read(data, name, nested=True)[1]
        self._sink.line()
        if problem not in ("", "empty"):
            self._leave(name, problem)

    def _leave(self, name: str, reason: str) -> None:
        self._unread.append((name, reason))

    def _read(self, data: bytes, filename: str, *, nested: bool) -> tuple[str, str, str]:
        """Write the text of `data` into the sink; gives (mime, problem, detail)."""
        mime = sniff(data, filename, library=False)
        try:
            self._dispatch(data, mime, filename if nested else None)
            return mime, "", ""
        except Full as full:
            if nested:
                raise
            return mime, full.note, full.detail
        except Problem as problem:
            return mime, problem.note, problem.detail
        except MemoryError:
            raise
        except ImportError as error:
            return mime, "unsupported", f"reader not installed: {error.name}"
        except Exception as error:  # noqa: BLE001 - the libraries are large: any other error means a bad file
            return mime, "damaged", f"{type(error).__name__}: {error}"[:200]

    def _dispatch(self, data: bytes, mime: str, part: str | None) -> None:
        """`part`: the name where this is a file inside another."""
        if mime == EMPTY:
            raise Problem("empty", "no bytes")
        if mime == ENCRYPTED_OFFICE:
            raise Problem("encrypted", "Office document with a password")
        if mime in KINDS:
            data, mime = convert(data, mime, self._means.line, self._means.clock)
        if mime in _CONTAINERS:
            whole = Inside(self._part, self._leave)
            deep = Inside(None, lambda _name, reason: self._leave(part or "", reason))
            _load(_CONTAINERS[mime])(data, self._sink, whole if part is None else deep)
            return
        if mime.startswith("image/") or mime == "application/pdf":
            _load(_SEEN.get(mime, "search.extract_picture:read"))(data, self._sink, self._pictures)
            return
        odf = "search.extract_odf:read_odf" if mime.startswith(ODF) else None
        where = odf or _READERS.get(MACRO_BASE.get(mime, mime))
        if where is None:
            raise Problem("unsupported", f"no reader for {mime}")
        begun = self._sink.signs
        _load(where)(data, self._sink)
        if (odf or MACRO_BASE.get(mime, mime) in _DOCUMENTS) and self._sink.signs - begun < FEW:
            _load("search.extract_picture:inside")(data, self._sink, self._pictures)


def _load(where: str) -> Callable[..., Any]:
    module, _, name = where.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found
