"""A workbook of one sheet, written as it is sent: rows in, pieces of an .xlsx file out (ECMA-376, part 1).

Written here because the usual writers spool the sheet as clear text in a temporary file, where a register of marked
files must not lie. Memory does not grow with the number of rows. Text cells are inline strings, never formulas.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from xml.sax.saxutils import escape

Cell = str | int | float | date | None
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
MIME = f"{_TYPE}.sheet"
# What XML 1.0 cannot hold; pasted text does contain it.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MAX_TEXT = 32_767  # the limit of a cell
_EPOCH = date(1899, 12, 30).toordinal()

_FIXED = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELS}/styles" Target="styles.xml"/></Relationships>',
    # cell formats: 0 plain, 1 bold (head), 2 date (built-in format 14)
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill '
    'patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border>'
    '<left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" '
    'fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" '
    'xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="14" '
    'fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" '
    'builtinId="0"/></cellStyles></styleSheet>',
}  # fmt: skip


class Pipe(io.RawIOBase):
    """What the archive writes, handed on in pieces. It cannot seek, so the archive never looks back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        joined = b"".join(self._pieces)
        self._pieces.clear()
        return joined


def column(index: int) -> str:
    """0 -> A, 26 -> AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def _cell(ref: str, value: Cell, style: int) -> str:
    mark = f' s="{style}"' if style else ""
    if value is None or value == "":
        return ""
    if isinstance(value, date):
        return f'<c r="{ref}" s="2"><v>{value.toordinal() - _EPOCH}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{ref}"{mark}><v>{value}</v></c>'
    text = escape(_FORBIDDEN.sub("", value)[:MAX_TEXT])
    return f'<c r="{ref}"{mark} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def write(
    title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[int]
) -> Iterator[bytes]:
    """The pieces of the file. `title`: the sheet's name; `widths`: of the columns, in characters."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in _FIXED.items():
            archive.writestr(_entry(name), _HEAD + body, zipfile.ZIP_DEFLATED)
        sheet = escape(re.sub(r"[\[\]:*?/\\]", " ", title)[:31], {'"': "&quot;"})
        archive.writestr(
            _entry("xl/workbook.xml"),
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELS}"><sheets><sheet name="{sheet}" sheetId="1" r:id="rId1"/>'
            "</sheets></workbook>",
            zipfile.ZIP_DEFLATED,
        )
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            cols = "".join(
                f'<col min="{i}" max="{i}" width="{w}" customWidth="1"/>' for i, w in enumerate(widths, 1)
            )
            part.write(
                f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
                'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
                f"<cols>{cols}</cols><sheetData>".encode()
            )
            for number, row in enumerate(_with_head(head, rows), 1):
                cells = "".join(
                    _cell(f"{column(i)}{number}", v, 1 if number == 1 else 0) for i, v in enumerate(row)
                )
                part.write(f'<row r="{number}">{cells}</row>'.encode())
                if number % 200 == 0:
                    yield pipe.taken()
            part.write(b"</sheetData></worksheet>")
        yield pipe.taken()
    yield pipe.taken()


def _entry(name: str) -> zipfile.ZipInfo:
    """A part without a date of its own: the same rows are the same file."""
    return zipfile.ZipInfo(name)


def _with_head(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    yield head
    yield from rows
