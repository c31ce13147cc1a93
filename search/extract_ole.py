"""What of an old Office document ([MS-CFB]) has to be looked into: the first bytes of its streams.

They tell which of LibreOffice's import filters it needs, and whether it asks for a password. The filter is named,
because LibreOffice takes what it cannot make out for a text, and would "read" a damaged table as one.
"""

from __future__ import annotations

import struct

_SECTORS = 100_000  # of one chain; a loop in it ends here
_END = 0xFFFFFFFA  # this and above are no sector numbers
_SMALL = 4096  # shorter streams lie in the small sectors, which lie in the stream of the root


def import_filter(data: bytes) -> str:
    """The name of LibreOffice's filter for a Word, Excel or PowerPoint document of 1993 to 2003; "" where it is none."""
    try:
        base = stream_head(data, "WordDocument", 4)  # [MS-DOC] 2.5.2: wIdent, nFib
        if len(base) == 4:
            ident, version = struct.unpack("<HH", base)
            if ident in (0xA5EC, 0xA5DC):
                return "MS Word 97" if version >= 0xC1 else "MS WinWord 6"
        for name, found in (("Workbook", "MS Excel 97"), ("Book", "MS Excel 95")):
            if stream_head(data, name, 2) == b"\x09\x08":  # [MS-XLS] 2.4.21: BOF
                return found
        return "MS PowerPoint 97" if stream_head(data, "PowerPoint Document", 8) else ""
    except (struct.error, IndexError):
        return ""


def encrypted(data: bytes) -> bool:
    """Whether an old Word, Excel or PowerPoint document asks for a password. False for what cannot be told."""
    try:
        return _word(data) or _excel(data) or _powerpoint(data)
    except (struct.error, IndexError):
        return False


def _word(data: bytes) -> bool:
    """[MS-DOC] 2.5.2: bit 8 of the flags in the base of the file information block."""
    head = stream_head(data, "WordDocument", 12)
    return len(head) == 12 and bool(struct.unpack_from("<H", head, 10)[0] & 0x0100)


def _excel(data: bytes) -> bool:
    """[MS-XLS] 2.4.117: a FilePass record, soon after the first one."""
    head = stream_head(data, "Workbook", 2048) or stream_head(data, "Book", 2048)
    at = 0
    while at + 4 <= len(head):
        kind, size = struct.unpack_from("<HH", head, at)
        if kind == 0x002F:
            return True
        at += 4 + size
    return False


def _powerpoint(data: bytes) -> bool:
    """[MS-PPT] 2.3.2: the header token of the current user."""
    head = stream_head(data, "Current User", 16)
    return len(head) == 16 and struct.unpack_from("<I", head, 12)[0] == 0xF3D1C4DF


def stream_head(data: bytes, name: str, size: int) -> bytes:
    """The first bytes of a stream, `size` at most; b"" where there is none of that name."""
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        return b""
    sector = 1 << shift
    fat = b"".join(data[(n + 1) * sector : (n + 2) * sector] for n in _fat_sectors(data, sector))
    directory = _chain(data, fat, struct.unpack_from("<I", data, 48)[0], sector, 64 * sector, sector)
    root: tuple[int, int] | None = None
    for at in range(0, len(directory) - 127, 128):
        length = struct.unpack_from("<H", directory, at + 64)[0]
        start, long = struct.unpack_from("<II", directory, at + 116)
        root = root or (start, long)
        if directory[at : at + max(0, length - 2)].decode("utf-16-le", "replace") == name:
            if long >= _SMALL:
                return _chain(data, fat, start, sector, min(size, long), sector)
            small = _chain(data, fat, root[0], sector, root[1], sector)
            table = _chain(data, fat, struct.unpack_from("<I", data, 60)[0], sector, len(data), sector)
            return _chain(small, table, start, 64, min(size, long), 0)
    return b""


def _fat_sectors(data: bytes, sector: int) -> list[int]:
    """Where the allocation table lies: the first 109 sectors are in the header, which covers 7 MB and more."""
    return [
        n
        for n in struct.unpack_from("<109I", data, 76)
        if n < _END and (n + 2) * sector <= len(data) + sector
    ]


def _chain(data: bytes, table: bytes, start: int, sector: int, size: int, offset: int) -> bytes:
    """`size` bytes of the sectors that begin with `start`; the first sector lies at `offset`."""
    out = bytearray()
    for _ in range(_SECTORS):
        if start >= _END or len(out) >= size:
            break
        out += data[offset + start * sector : offset + (start + 1) * sector]
        if 4 * start + 4 > len(table):
            break
        start = struct.unpack_from("<I", table, 4 * start)[0]
    return bytes(out[:size])
