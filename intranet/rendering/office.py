"""Office documents as PDF, by LibreOffice in a process of its own (`search.extract_soffice`). Only ever run in the child."""

from __future__ import annotations

from search.extract_clock import Clock
from search.extract_legacy import KINDS, Line, receive, send
from search.extract_ole import encrypted, import_filter
from search.extract_sink import Problem
from search.filetype_containers import DOCX, MACRO_BASE, ODF, PPTX, XLSB, XLSX

#: Media types -> LibreOffice's import filter; "": to be told from the streams of an old document.
FILTERS = {
    **dict.fromkeys(KINDS, ""),
    "application/rtf": "Rich Text Format",
    XLSB: "Calc MS Excel 2007 Binary",
    DOCX: "MS Word 2007 XML",
    XLSX: "Calc MS Excel 2007 XML",
    PPTX: "Impress MS PowerPoint 2007 XML",
    f"{ODF}text": "writer8",
    f"{ODF}spreadsheet": "calc8",
    f"{ODF}presentation": "impress8",
}


def converts(mime: str) -> bool:
    """Whether LibreOffice makes a PDF of this."""
    return MACRO_BASE.get(mime, mime) in FILTERS


def to_pdf(data: bytes, mime: str, line: Line, clock: Clock) -> bytes:
    """The document as a PDF. Raises `Problem`."""
    if line.socket is None:
        raise Problem(line.why, "no LibreOffice, or no file system in memory for it")
    known = FILTERS[MACRO_BASE.get(mime, mime)] or import_filter(data)
    if not known:
        raise Problem("damaged", "the streams of an old Office document are missing")
    try:
        with clock.waiting(line.seconds):
            send(line.socket, {"filter": known, "to": "pdf"}, data)
            head, made = receive(line.socket)
    except (OSError, EOFError, ValueError) as error:
        raise Problem("damaged", "LibreOffice ended without an answer") from error
    if head.get("note") == "damaged" and encrypted(data):
        raise Problem("encrypted", "Office document with a password")
    if not made:
        note = str(head.get("note"))
        raise Problem(note if note in ("timeout", "memory", "too_large") else "damaged", "not converted")
    return made
