"""Opening ZIP containers without being blown up, and reading plain archives one level deep."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from search.extract_sink import Problem, Sink

MAX_ENTRIES = 20_000  # a deck with a picture on every slide has a few thousand
MAX_TOTAL = 512 << 20  # unpacked; a sheet of a million rows is about 100 MiB of XML
MAX_RATIO = 250  # the most repetitive honest sheets pack 100:1; bombs begin at 1000:1
RATIO_MATTERS = 16 << 20  # below this even a bomb does no harm
MAX_READ = 200  # entries of a plain archive whose text is read; the names of the rest still count
MAX_PART = 64 << 20  # bytes of one entry of a plain archive


class Inside(NamedTuple):
    """What becomes of the files inside a file: each is read, or left with a reason.

    `read` is None where the container is itself inside a file: then only the names are given.
    """

    read: Callable[[bytes, str], None] | None
    leave: Callable[[str, str], None]


@contextmanager
def opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    """`data` as a ZIP whose declared sizes are bearable and that is not encrypted.

    `zipfile` never unpacks more of an entry than its declared size, so checking the declarations is enough.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as error:  # BadZipFile, struct.error, OverflowError ...: all mean bad bytes
        raise Problem("damaged", f"bad ZIP: {error}") from error
    with archive:
        entries = archive.infolist()
        total = sum(e.file_size for e in entries)
        if len(entries) > MAX_ENTRIES:
            raise Problem("too_large", f"{len(entries)} entries in the ZIP")
        if total > MAX_TOTAL or (total > RATIO_MATTERS and total > MAX_RATIO * len(data)):
            raise Problem("too_large", f"{len(data)} bytes unpack to {total}")
        if sum(e.compress_size for e in entries) > len(data):
            raise Problem("damaged", "entries of the ZIP overlap")  # Fifield's bomb, USENIX WOOT 2019
        if any(e.flag_bits & 1 for e in entries):
            raise Problem("encrypted", "ZIP with a password")
        try:
            yield archive
        except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
            raise Problem("damaged", f"bad ZIP: {error}") from error


def read(data: bytes, sink: Sink, inside: Inside) -> None:
    """Names and texts of the files in a plain archive."""
    with opened(data) as archive:
        files = [e for e in archive.infolist() if not e.is_dir()]
        for number, entry in enumerate(files):
            name = entry_name(entry)
            sink.line(name)
            if inside.read is None:
                continue
            if number >= MAX_READ or entry.file_size > MAX_PART:
                inside.leave(name, "too_large")
                continue
            try:
                part = archive.read(entry)
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - one bad entry (CRC, method, zlib.error) does not spoil the others
                inside.leave(name, "damaged")
                continue
            inside.read(part, name)
        if files and inside.read is None:
            inside.leave("", "nested")


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The name of an entry; Chinese Windows writes GBK without saying so (APPNOTE D.1 wants CP437)."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for charset in ("utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return entry.filename


def natural(name: str) -> list[tuple[int, str]]:
    """Sorting key by which Page_10 comes after Page_9."""
    return [(int(piece[:18]), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d+)", name)]


def summary(unread: list[tuple[str, str]]) -> str:
    """A short list of the files inside that were not read, for the log; "" where there are none."""
    shown = "; ".join(f"{name}: {reason}" for name, reason in unread[:5])
    return shown + (f"; and {len(unread) - 5} more" if len(unread) > 5 else "")
