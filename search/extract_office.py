"""Text of DOCX, XLSX and PPTX, macros or not. Only ever run in the child: the libraries hold all of a file."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterable
from typing import Any

from search.extract_sink import Problem, Sink
from search.extract_xml import refuse_entities
from search.extract_zip import opened

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# The same text box again for old programs; text struck out or moved away; tab stops, which look like tabs.
_NO_TEXT = frozenset({_MC + "Fallback", _W + "del", _W + "moveFrom", _W + "pPr"})
# Parts of a DOCX that hold text beside the body, by the end of their relationship type (ECMA-376 part 1, 11.3).
_SIDE_PARTS = ("/header", "/footer", "/footnotes", "/endnotes", "/comments")


def _check(data: bytes) -> None:
    """Sizes and entities, before a library sees the file."""
    with opened(data) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                refuse_entities(stream)


def _damaged(error: Exception) -> Problem:
    # libxml2 without memory has no words for it: "unknown error, line 0". Bad XML is on line 1 or later.
    if "memory" in str(error).lower() or getattr(error, "lineno", None) == 0:
        return Problem("memory", "the XML reader ran out of memory")
    return Problem("damaged", f"{type(error).__name__}: {error}"[:200])


def read_docx(data: bytes, sink: Sink) -> None:
    """Body with tables, text boxes and content controls in document order, then headers, footers and notes.

    The elements are walked rather than python-docx's paragraphs: the red head of a 公文 is often a text box,
    and forms keep their fields in content controls, which `Document.paragraphs` leaves out.
    """
    _check(data)
    from docx.opc.package import OpcPackage
    from docx.oxml.parser import parse_xml

    try:
        main = OpcPackage.open(io.BytesIO(data)).main_document_part
        roots = [parse_xml(main.blob)]
        beside = (r for r in main.rels.values() if not r.is_external and r.reltype.endswith(_SIDE_PARTS))
        roots.extend(parse_xml(r.target_part.blob) for r in beside)
    except (Problem, MemoryError):
        raise
    except Exception as error:  # python-docx raises KeyError, ValueError, lxml and zip errors on bad files
        raise _damaged(error) from error
    for root in roots:
        _word_text(root, sink)


def _word_text(root: Any, sink: Sink) -> None:
    """WordprocessingML in document order (ECMA-376 part 1, 17.3 and 17.4)."""
    from lxml import etree  # type: ignore[import-untyped,unused-ignore]

    walk = etree.iterwalk(root, events=("start", "end"))
    rows = 0
    for event, node in walk:
        tag = node.tag
        if event == "start":
            if tag in _NO_TEXT:
                walk.skip_subtree()
            elif tag == _W + "t":
                sink.write(node.text or "")
            elif tag in (_W + "tab", _W + "ptab"):
                sink.write("\t")
            elif tag == _W + "noBreakHyphen":
                sink.write("-")
            elif tag in (_W + "br", _W + "cr"):
                sink.write("\n")
            elif tag == _W + "tr":
                rows += 1
        elif tag == _W + "p":
            sink.write(" " if rows else "\n")
        elif tag == _W + "tc":
            sink.write("\t")
        elif tag == _W + "tr":
            rows -= 1
            sink.write("\n")


def read_pptx(data: bytes, sink: Sink) -> None:
    """Every slide in order (shapes, groups, tables), each followed by its speaker's notes."""
    _check(data)
    from pptx.package import Package

    try:
        part: Any = Package.open(io.BytesIO(data)).main_document_part
        slides = list(part.presentation.slides)
    except MemoryError:
        raise
    except Exception as error:  # as for python-docx
        raise _damaged(error) from error
    for slide in slides:
        _drawing_text(slide._element.iter(_A + "p"), sink)
        if slide.has_notes_slide:
            _drawing_text(slide.notes_slide._element.iter(_A + "p"), sink)
        sink.line()


def _drawing_text(paragraphs: Iterable[Any], sink: Sink) -> None:
    for paragraph in paragraphs:
        for node in paragraph.iter(_A + "t", _A + "br"):
            if node.getparent().get("type") == "slidenum":
                continue  # the number of the page, or the word for it
            sink.write(node.text or "" if node.tag == _A + "t" else " ")
        sink.write("\n")


def _openpyxl() -> Any:
    """The library without numpy and PIL: it loads them when it finds them, needs neither to read, and pays 0.2 s."""
    hidden = [name for name in ("numpy", "PIL") if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import openpyxl  # type: ignore[import-untyped,unused-ignore]
    finally:
        for name in hidden:
            del sys.modules[name]  # the next file of the same archive may be a PPTX, whose reader needs PIL
    # A sheet that does not declare its size is otherwise read to its end first, only to learn it.
    openpyxl.worksheet._read_only.ReadOnlyWorksheet._get_size = lambda _sheet: None
    return openpyxl


def read_xlsx(data: bytes, sink: Sink) -> None:
    """Every sheet with its name, cell values as they were last computed, one row a line."""
    _check(data)
    openpyxl = _openpyxl()
    try:
        book: Any = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets:
            sink.line(sheet.title)
            for row in sheet.iter_rows(values_only=True):
                cells = "\t".join(str(value) for value in row if value is not None)
                sink.write(
                    cells and cells + "\n"
                )  # a row without cells too: a million of them take their time
            sink.line()
    except (Problem, MemoryError, zipfile.BadZipFile):
        raise
    except Exception as error:  # openpyxl raises KeyError, ValueError, TypeError ... on bad files
        raise _damaged(error) from error
