"""What must have reached the disk before the next step relies on it: a process may be killed and the power may go at any moment."""

from __future__ import annotations

import os
from pathlib import Path


def settle(path: Path) -> None:
    """Wait until a file, or the names in a folder, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes, *, fsync: bool) -> None:
    """Give a file new content: whoever opens it finds the old or the new one, whole. With `fsync` also after a power cut."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    if fsync:
        settle(fresh)
    os.replace(fresh, path)
    if fsync:
        settle(path.parent)


def read(file: int, size: int, offset: int) -> bytes:
    """So many bytes of an open file, whoever else reads from it. Raises OSError where it is shorter."""
    data = os.pread(file, size, offset)
    while len(data) < size:
        more = os.pread(file, size - len(data), offset + len(data))
        if not more:
            raise OSError("a file of the index is shorter than its table says")
        data += more
    return data
