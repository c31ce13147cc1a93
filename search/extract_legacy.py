"""Old Office formats, turned into new ones by LibreOffice in a process of its own (`search.extract_soffice`)."""

from __future__ import annotations

import json
import socket
from typing import NamedTuple

from search.extract_clock import Clock
from search.extract_ole import encrypted, import_filter
from search.extract_sink import Problem
from search.filetype_containers import DOCX, PPTX, XLSB, XLSX

#: What is converted, and what LibreOffice makes of it. WPS Office writes the formats of Word, Excel and PowerPoint.
KINDS = {
    "application/msword": DOCX,
    "application/rtf": DOCX,
    "application/wps-office.wps": DOCX,
    "application/vnd.ms-excel": XLSX,
    "application/wps-office.et": XLSX,
    XLSB: XLSX,
    "application/vnd.ms-powerpoint": PPTX,
    "application/wps-office.dps": PPTX,
}
#: LibreOffice's import filters -> the ending by which it knows such a document.
FILTERS = {
    "MS Word 97": "doc",
    "MS WinWord 6": "doc",
    "MS Excel 97": "xls",
    "MS Excel 95": "xls",
    "MS PowerPoint 97": "ppt",
    "Rich Text Format": "rtf",
    "Calc MS Excel 2007 Binary": "xlsb",
    "MS Word 2007 XML": "docx",
    "Calc MS Excel 2007 XML": "xlsx",
    "Impress MS PowerPoint 2007 XML": "pptx",
    "writer8": "odt",
    "calc8": "ods",
    "impress8": "odp",
}
_NAMED = {"application/rtf": "Rich Text Format", XLSB: "Calc MS Excel 2007 Binary"}
#: And what it exports to.
ENDINGS = {DOCX: "docx", XLSX: "xlsx", PPTX: "pptx", "application/pdf": "pdf"}
_WORDS = {
    "legacy": "old Office format, and LibreOffice is not installed",
    "spool": "old Office format, and no file system in memory to convert it in",
}


class Line(NamedTuple):
    """The way to the converting process, or `why` there is none (`legacy`, `spool`)."""

    why: str
    socket: socket.socket | None = None
    seconds: float = 0.0


def convert(data: bytes, mime: str, line: Line, clock: Clock) -> tuple[bytes, str]:
    """The document in a new format, and its media type. Raises `Problem`."""
    wanted = KINDS[mime]
    if line.socket is None:
        raise Problem(line.why, _WORDS[line.why])
    known = _NAMED.get(mime) or import_filter(data)
    if not known:
        raise Problem("damaged", "the streams of an old Office document are missing")
    asked: dict[str, object] = {"filter": known, "to": ENDINGS[wanted]}
    try:
        with clock.waiting(line.seconds):
            send(line.socket, asked, data)
            head, made = receive(line.socket)
    except (OSError, EOFError, ValueError) as error:
        raise Problem("damaged", "LibreOffice ended without an answer") from error
    if head.get("note") == "damaged" and encrypted(data):
        raise Problem("encrypted", "old Office document with a password")
    if not made:
        note = str(head.get("note"))
        raise Problem(note if note in ("timeout", "memory", "too_large") else "damaged", "not converted")
    return made, wanted


def send(line: socket.socket, head: dict[str, object], body: bytes) -> None:
    """One message: a line of JSON with the size of the body, then the body."""
    line.sendall(json.dumps(head | {"size": len(body)}).encode("ascii") + b"\n")
    line.sendall(body)


def receive(line: socket.socket) -> tuple[dict[str, object], bytes]:
    """One message of the other side. Raises EOFError where it is gone, ValueError where it is none of ours."""
    with line.makefile("rb") as stream:
        head = json.loads(stream.readline(1000) or _gone())
        size = int(head["size"])
        body = stream.read(size)
    if len(body) != size:
        _gone()
    return head, body


def _gone() -> bytes:
    raise EOFError
