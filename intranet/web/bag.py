"""A BagIt bag (RFC 8493) in one ZIP file, written as it is sent: what archives take in and check without our product.

Payload under `data/`, its SHA-256 in `manifest-sha256.txt` in the form of `sha256sum -c`; what accompanies it (tag files) beside
it, with a manifest of its own. Memory does not grow with the files: each is hashed while it passes, and the archive never looks back.
"""

from __future__ import annotations

import hashlib
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from .xlsx import Pipe

DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
LONGEST = 180  # bytes of one name: most file systems take 255, and a disk may be mounted under a cipher that takes less
_UNSAFE = frozenset(
    '\\/:*?"<>|%'
)  # for Windows; `%` would be read as an escape in a manifest (RFC 8493 §2.1.3)
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))})


def safe_name(name: str) -> str:
    """A name that every file system takes and every manifest holds as it is: composed, short, no separators, no control signs."""
    plain = "".join(
        "_" if c in _UNSAFE or not c.isprintable() else c for c in unicodedata.normalize("NFC", name)
    ).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot or not stem or len(ending) > 12:
        stem, dot, ending = plain, "", ""
    if stem.partition(".")[0].lower() in _DEVICES:
        stem = f"_{stem}"
    room = LONGEST - len(f"{dot}{ending}".encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .")
    return f"{stem or '_'}{dot}{ending}"


class Names:
    """Names given out once each, also where a disk does not tell capitals apart: `a.txt`, `A (2).txt`."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def take(self, folder: str, name: str) -> str:
        """`folder/name`, or the next free one."""
        name = safe_name(name)
        stem, dot, ending = name.rpartition(".")
        if not dot:
            stem, dot, ending = name, "", ""
        tried, number = f"{folder}/{name}", 1
        while tried.casefold() in self._given:
            number += 1
            tried = f"{folder}/{stem} ({number}){dot}{ending}"
        self._given.add(tried.casefold())
        return tried


class Bag:
    """One bag in the making. Each method gives pieces of the ZIP file: hand them on before the next call."""

    def __init__(self, name: str, at: datetime) -> None:
        """`name`: of the folder; `at`: the date of all its files, so that the same content is the same bag."""
        self._folder, self._date = name, at.timetuple()[:6]
        self._pipe = Pipe()
        self._zip = zipfile.ZipFile(
            self._pipe, "w"
        )  # never a context: what is broken off stays without its end
        self._payload: dict[str, str] = {}
        self._octets = 0

    def add(self, path: str, chunks: Iterable[bytes], size: int = 0) -> Iterator[bytes]:
        """A file of the payload under `data/`. `size`: how large it will be, so that a huge one is written as such."""
        digest = hashlib.sha256()
        yield from self._write(f"data/{path}", chunks, size, digest)
        self._payload[f"data/{path}"] = digest.hexdigest()

    def digest(self, path: str) -> str:
        """The SHA-256 of a payload file that was added."""
        return self._payload[f"data/{path}"]

    def manifest(self) -> bytes:
        """The manifest of the payload so far, in the order of its paths: the same files, the same bytes."""
        return _listed(self._payload)

    def finish(self, info: Mapping[str, str], tags: Mapping[str, bytes]) -> Iterator[bytes]:
        """The tag files (`bag-info.txt` of `info`, ours in `tags`), their manifest, and the end of the archive."""
        lines = dict(info) | {"Payload-Oxum": f"{self._octets}.{len(self._payload)}"}
        own = {
            "bagit.txt": DECLARATION.encode(),
            "bag-info.txt": "".join(f"{label}: {_line(said)}\n" for label, said in lines.items()).encode(),
            "manifest-sha256.txt": self.manifest(),
            **tags,
        }
        own["tagmanifest-sha256.txt"] = _listed(
            {path: hashlib.sha256(body).hexdigest() for path, body in own.items()}
        )
        for path, body in own.items():
            yield from self._write(path, [body], len(body), hashlib.sha256(), counted=False)
        self._zip.close()
        yield self._pipe.taken()

    def _write(
        self, path: str, chunks: Iterable[bytes], size: int, digest: hashlib._Hash, *, counted: bool = True
    ) -> Iterator[bytes]:
        entry = zipfile.ZipInfo(f"{self._folder}/{path}", self._date)  # type: ignore[arg-type]
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100644 << 16
        entry.file_size = size
        with self._zip.open(entry, "w") as part:
            for chunk in chunks:
                digest.update(chunk)
                self._octets += len(chunk) if counted else 0
                part.write(chunk)
                if piece := self._pipe.taken():
                    yield piece
        yield self._pipe.taken()


def _listed(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()


def _line(text: str) -> str:
    """A value of `bag-info.txt` on one line."""
    return " ".join(text.split())
