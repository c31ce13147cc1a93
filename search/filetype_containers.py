"""What is inside a ZIP (PKWARE APPNOTE) or an OLE compound file ([MS-CFB]): the container says little itself."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

ZIP = "application/zip"
_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX = _OOXML + "wordprocessingml.document"
XLSX = _OOXML + "spreadsheetml.sheet"
PPTX = _OOXML + "presentationml.presentation"
OFD = "application/ofd"
ODF = "application/vnd.oasis.opendocument."
OLE = "application/x-ole-storage"
ENCRYPTED_OFFICE = "application/encrypted"

_TYPES = "[Content_Types].xml"
_MACRO = {
    DOCX: "application/vnd.ms-word.document.macroEnabled.12",
    XLSX: "application/vnd.ms-excel.sheet.macroEnabled.12",
    PPTX: "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
}
MACRO_BASE = {macro: plain for plain, macro in _MACRO.items()}
XLSB = "application/vnd.ms-excel.sheet.binary.macroEnabled.12"
_BY_SUFFIX = {".docx": DOCX, ".xlsx": XLSX, ".pptx": PPTX, ".ofd": OFD}
_SMALL = 65536

# Streams of the root storage; WPS Office writes the same ones into .wps .et .dps.
_STREAMS = (
    ("EncryptedPackage", ENCRYPTED_OFFICE),  # [MS-OFFCRYPTO] 2.3.4.4: a DOCX, XLSX, PPTX with a password
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
)
_WPS = {
    ".wps": "application/wps-office.wps",
    ".et": "application/wps-office.et",
    ".dps": "application/wps-office.dps",
}
# Where the directory lies behind what we have of the file, or is broken, the name decides.
_NAMED = _WPS | {
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
}


def zipped(head: bytes, suffix: str) -> str:
    """The media type of a ZIP file, all of it or its beginning."""
    try:
        with zipfile.ZipFile(io.BytesIO(head)) as archive:
            names = set(archive.namelist())
            small = {n: _member(archive, n) for n in (_TYPES, "mimetype") if n in names}
    except Exception:  # noqa: BLE001 - only the beginning, or damaged: zipfile raises many kinds of errors
        found = dict(_entries(head))
        names = set(found)
        small = {n: found[n] for n in (_TYPES, "mimetype") if n in found}
    declared = small.get("mimetype", b"").decode("ascii", "replace").strip()
    if declared.startswith((ODF, "application/epub+zip")) and len(declared) < 100:
        return declared
    if "OFD.xml" in names:
        return OFD
    kind = _ooxml(names, small.get(_TYPES, b""))
    if kind:
        return kind
    office = _TYPES in names or "_rels/.rels" in names or any(n.startswith("docProps/") for n in names)
    return _BY_SUFFIX.get(suffix, ZIP) if office else ZIP


def ole(data: bytes, suffix: str) -> str:
    """The media type of an OLE compound file, by the streams of its root storage."""
    names = set(_directory(data))
    for name, mime in _STREAMS:
        if name in names:
            return mime if mime == ENCRYPTED_OFFICE else _WPS.get(suffix, mime)
    return _NAMED.get(suffix, OLE)


def _ooxml(names: set[str], types: bytes) -> str:
    folders = (("word/", DOCX), ("xl/", XLSX), ("ppt/", PPTX))
    words = ((b"wordprocessingml", DOCX), (b"spreadsheetml", XLSX), (b"presentationml", PPTX))
    mime = next((m for folder, m in folders if any(n.startswith(folder) for n in names)), "")
    if not mime and b".main+xml" in types:
        mime = next((m for word, m in words if word in types), "")
    if not mime:
        return ""
    if b"sheet.binary" in types:
        return XLSB
    return _MACRO[mime] if b"macroEnabled.main+xml" in types else mime


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as stream:
        return stream.read(_SMALL)


def _entries(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and first bytes of the entries whose local headers (APPNOTE 4.3.7) lie in `head`."""
    at = 0
    while 0 <= at <= len(head) - 30 and head.startswith(b"PK\x03\x04", at):
        flags, method, size, name_size, extra = struct.unpack_from("<6xHH8xI4xHH", head, at)
        start = at + 30 + name_size + extra
        name = head[at + 30 : at + 30 + name_size].decode("utf-8", "replace")
        yield name, _peek(head[start : start + (size or _SMALL)], method)
        # Bit 3: the size stands after the data, so the next header has to be looked for.
        at = head.find(b"PK\x03\x04", start) if flags & 8 or not size else start + size


def _peek(raw: bytes, method: int) -> bytes:
    if method == zipfile.ZIP_STORED:
        return raw[:_SMALL]
    if method != zipfile.ZIP_DEFLATED:
        return b""
    try:
        return zlib.decompressobj(-15).decompress(raw, _SMALL)
    except zlib.error:
        return b""


def _directory(data: bytes) -> Iterator[str]:
    """Names in the directory of a compound file ([MS-CFB] 2.6), as far as its sectors are in `data`."""
    if len(data) < 512:
        return
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        return
    size = 1 << shift
    sector = struct.unpack_from("<I", data, 48)[0]
    fat = struct.unpack_from("<109I", data, 76)
    for _ in range(64):  # far more than any document has; a loop in the chain ends here
        block = data[(sector + 1) * size : (sector + 2) * size]
        for at in range(0, len(block) - 127, 128):
            length = struct.unpack_from("<H", block, at + 64)[0]
            if 2 <= length <= 64:
                yield block[at : at + length - 2].decode("utf-16-le", "replace")
        index, offset = divmod(sector, size // 4)
        if index >= len(fat):
            return
        where = (fat[index] + 1) * size + offset * 4
        if where + 4 > len(data):
            return
        sector = struct.unpack_from("<I", data, where)[0]
