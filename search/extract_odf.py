"""Text of OpenDocument (ODT, ODS, ODP: OASIS ODF 1.3 part 3) and of OFD (GB/T 33190-2016)."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping

from search.extract_sink import Problem, Sink
from search.extract_xml import walk
from search.extract_zip import natural, opened

# Elements that end a line, and those that stand for a blank.
_LINES = frozenset({"p", "h", "table-row", "page", "line-break"})
_BLANKS = {"tab": "\t", "s": " ", "table-cell": "\t"}
# Deleted text kept for the record of changes, and scripts, are no text of the document.
_SKIPPED = frozenset({"tracked-changes", "scripts", "forms", "automatic-styles"})


class _Odf:
    """Callbacks for content.xml and styles.xml."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.skipping = 0
        self.paragraphs = 0
        self.in_row = 0

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        if self.skipping or name in _SKIPPED:
            self.skipping += 1
        elif name in ("p", "h"):
            self.paragraphs += 1
        elif name == "table-row":
            self.in_row += 1

    def end(self, name: str) -> None:
        if self.skipping:
            self.skipping -= 1
            return
        if name in ("p", "h"):
            self.paragraphs -= 1
        elif name == "table-row":
            self.in_row -= 1
        if name in _LINES:
            # Inside a row a paragraph ends a cell, not a line: 姓名 and 张三 stay side by side.
            self.sink.write(" " if self.in_row and name != "table-row" else "\n")
        elif name in _BLANKS and (self.paragraphs or name == "table-cell"):
            self.sink.write(_BLANKS[name])

    def text(self, text: str) -> None:
        # Text counts only inside paragraphs and headings; elsewhere it is the indentation of the XML.
        if self.paragraphs and not self.skipping:
            self.sink.write(text)


def read_odf(data: bytes, sink: Sink) -> None:
    """Text of the document, then of headers and footers (styles.xml)."""
    with opened(data) as archive:
        names = archive.namelist()
        if "META-INF/manifest.xml" in names:
            _refuse_encrypted(archive)
        if "content.xml" not in names:
            raise Problem("damaged", "no content.xml")
        for name in ("content.xml", "styles.xml"):
            if name in names:
                reader = _Odf(sink)
                with archive.open(name) as stream:
                    walk(stream, reader.start, reader.end, reader.text)


def _refuse_encrypted(archive: zipfile.ZipFile) -> None:
    def start(name: str, _attributes: Mapping[str, str]) -> None:
        if name == "encryption-data":
            raise Problem("encrypted", "OpenDocument with a password")

    with archive.open("META-INF/manifest.xml") as stream:
        walk(stream, start, lambda _: None, lambda _: None)


class _Ofd:
    """Callbacks for the XML of an OFD: TextCode holds the characters, a TextObject is about a line."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.wanted = 0

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        if name in ("TextCode", "Title"):
            self.wanted += 1

    def end(self, name: str) -> None:
        if name in ("TextCode", "Title"):
            self.wanted -= 1
        if name in ("TextObject", "Title"):
            self.sink.write("\n")

    def text(self, text: str) -> None:
        if self.wanted:
            self.sink.write(text)


def read_ofd(data: bytes, sink: Sink) -> None:
    """Text of all pages, page templates and annotations, in the natural order of their file names."""
    with opened(data) as archive:
        names = archive.namelist()
        if any(n.endswith(("Encryptions.xml", "Decryptions.xml")) for n in names):  # GM/T 0099-2020
            raise Problem("encrypted", "OFD with encrypted parts")
        for name in sorted((n for n in names if n.lower().endswith(".xml")), key=_page_order):
            reader = _Ofd(sink)
            with archive.open(name) as stream:
                walk(stream, reader.start, reader.end, reader.text)


def _page_order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """OFD.xml with the title first, then pages, then the rest."""
    rank = 0 if name == "OFD.xml" else 1 if "/Pages/" in name else 2
    return rank, natural(name)
