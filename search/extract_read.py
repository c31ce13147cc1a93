"""From bytes and a name to text: finds the kind, picks the reader, turns every failure into a note.

Run in the child. Readers are imported when first needed, so a text file does not pay for the Office libraries.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple

from search.extract_sink import Full, Problem, Sink
from search.filetype import EMPTY, sniff
from search.filetype_containers import DOCX, ENCRYPTED_OFFICE, MACRO_BASE, ODF, OFD, PPTX, XLSX, ZIP

Reader = Callable[[bytes, Sink], None]

_READERS = {
    "application/pdf": "search.extract_pdf:read",
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
_CONTAINERS = {ZIP: "search.extract_zip:read", "message/rfc822": "search.extract_mail:read"}
_LEGACY = frozenset(
    {
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/wps-office.wps",
        "application/wps-office.et",
        "application/wps-office.dps",
        "application/rtf",
        "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
    }
)
_CONVERT = "old Office format: convert it (LibreOffice: soffice --convert-to) and deposit the result too"


class Answer(NamedTuple):
    """What the child sends back; see `search.extract.Extracted`."""

    text: str
    note: str
    mime: str
    detail: str


def read(data: bytes, filename: str, max_chars: int) -> Answer:
    """Text of a file. Raises nothing but MemoryError, whatever the bytes."""
    sink = Sink(max_chars)
    mime, note, detail = _into(data, filename, sink, nested=False)
    text = sink.text()
    if not text and not note:
        note, detail = "empty", detail or "no text in the file: a scan needs OCR"
    return Answer(text, note, mime, detail)


def _into(data: bytes, filename: str, sink: Sink, *, nested: bool) -> tuple[str, str, str]:
    """Write the text of `data` into `sink`; gives (mime, note, detail)."""
    mime = sniff(data, filename, library=False)
    try:
        return mime, "", _dispatch(data, mime, sink, nested)
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


def _dispatch(data: bytes, mime: str, sink: Sink, nested: bool) -> str:
    if mime == EMPTY:
        raise Problem("empty", "no bytes")
    if mime.startswith("image/"):
        raise Problem("empty", "a picture: its text needs OCR")
    if mime == ENCRYPTED_OFFICE:
        raise Problem("encrypted", "Office document with a password")
    if mime in _LEGACY:
        raise Problem("unsupported", _CONVERT)
    if mime in _CONTAINERS:

        def inner(part: bytes, name: str) -> str:
            note = _into(part, name, sink, nested=True)[1]
            sink.line()
            return note

        return str(_load(_CONTAINERS[mime])(data, sink, None if nested else inner))
    odf = "search.extract_odf:read_odf" if mime.startswith(ODF) else None
    where = odf or _READERS.get(MACRO_BASE.get(mime, mime))
    if where is None:
        raise Problem("unsupported", f"no reader for {mime}")
    _load(where)(data, sink)
    return ""


def _load(where: str) -> Callable[..., object]:
    module, _, name = where.partition(":")
    found: Callable[..., object] = getattr(importlib.import_module(module), name)
    return found
