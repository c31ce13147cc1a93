"""Whoosh as a store: its table of contents, segments, term index, columns and locks, our own postings in them.

The only module that knows Whoosh's inside. A segment is written from flat arrays, and its postings are plain arrays
of document numbers and counts in the postings file, so that a term is read with one `pread` and no Python loop
(Whoosh's own writer makes 170-190 documents a second, its matchers pickle 128 postings at a time). What makes commits safe stays Whoosh's: files first, then a new table of contents by rename.

Whoosh unpickles its own files: an index folder is 0700 and never restored from an untrusted place.
"""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from search.analysis import is_cjk

with warnings.catch_warnings():
    # Whoosh 2.7.4 has string escapes and `is` comparisons that compilers warn about; nothing else is hidden.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from whoosh.codec.whoosh3 import W3Codec  # type: ignore[import-untyped]
    from whoosh.columns import VarBytesColumn  # type: ignore[import-untyped]
    from whoosh.fields import ID, Schema  # type: ignore[import-untyped]
    from whoosh.filedb.filestore import FileStorage  # type: ignore[import-untyped]
    from whoosh.filedb.filetables import OrderedHashReader  # type: ignore[import-untyped]
    from whoosh.index import TOC, EmptyIndexError, FileIndex, LockError  # type: ignore[import-untyped]
    from whoosh.writing import SegmentWriter  # type: ignore[import-untyped]

_FIELD = "terms"
_SCHEMA = Schema(**{_FIELD: ID()})
# Whoosh puts the number of the field before each term; there is one field.
_KEY = b"\0\0"
_COLUMN = VarBytesColumn()
#: What the term index holds of a term: documents, place in the postings file.
_PLACE = struct.Struct("<IQ")
# What Whoosh writes before each term: lengths of the term and of what is held of it.
_LENGTHS = struct.Struct("!ii")
_META, _TEXT, _FOLDED = "meta", "text", "folded"
#: Document numbers of a segment are 16 bits.
MAX_DOCS = 60_000
#: A segment is closed when it holds so many postings or bytes of text: bounds the memory of a rebuild.
MAX_POSTINGS = 4_000_000
MAX_BYTES = 256 << 20

Numbers = npt.NDArray[np.uint16]
Counts = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A segment in the table of contents: its name and which of its documents are deleted."""

    name: str
    count: int
    deleted: frozenset[int]
    handle: Any


def storage(folder: Path) -> Any:
    """Mapping files copies whole segments to the heap at every open (400 MB, 176 ms): read them normally."""
    return FileStorage(str(folder), supports_mmap=False)


def create(folder: Path) -> None:
    """An empty index in an existing folder."""
    TOC.create(storage(folder), _SCHEMA)


def generation(folder: Path) -> int:
    """Number of the last commit; -1 where no index is. Costs one listing of the folder."""
    tables = [name for name in os.listdir(folder) if name.endswith(".toc") and name.startswith("_MAIN_")]
    return max((int(name[6:-4]) for name in tables), default=-1)


def segments(folder: Path) -> tuple[int, list[SegmentInfo]]:
    """Generation and segments of the last commit. OSError when a commit overtakes the reading: try again."""
    try:
        toc = TOC.read(storage(folder), "MAIN", schema=_SCHEMA)
    except EmptyIndexError as error:
        raise FileNotFoundError(str(folder)) from error
    infos = [
        SegmentInfo(s.segment_id(), s.doc_count_all(), frozenset(s.deleted_docs()), s) for s in toc.segments
    ]
    return int(toc.generation), infos


class Segment:
    """The files of one segment, open for reading from any thread, readable also after they are deleted."""

    def __init__(self, folder: Path, info: SegmentInfo) -> None:
        self.name = info.name
        self.count = info.count
        self._files: list[int] = []
        store = storage(folder)
        terms = info.handle.make_filename(W3Codec.TERMS_EXT)
        self._file = store.open_file(terms)
        try:
            self._terms = OrderedHashReader(self._file, store.file_length(terms))
            self._postings = self._open(folder / info.handle.make_filename(W3Codec.POSTS_EXT))
            self._columns = {
                name: self._column(folder, store, info, name) for name in (_META, _TEXT, _FOLDED)
            }
        except BaseException:
            self.close()
            raise
        extras = self._terms.extras
        #: Every term that does not begin with a Chinese character, in order.
        self.latin: list[str] = extras["latin"].split("\n") if extras["latin"] else []

    def _open(self, path: Path) -> int:
        file = os.open(path, os.O_RDONLY)
        self._files.append(file)
        return file

    def _column(self, folder: Path, store: Any, info: SegmentInfo, name: str) -> tuple[int, Any, Any]:
        filename = W3Codec.column_filename(info.handle, name)
        with store.open_file(filename) as file:
            reader = _COLUMN.reader(file, 0, store.file_length(filename), info.count)
            lengths = np.array(reader._lengths, dtype=np.int64)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        return self._open(folder / filename), offsets, lengths

    def _value(self, name: str, number: int, most: int | None = None) -> bytes:
        file, offsets, lengths = self._columns[name]
        size = int(lengths[number])
        return os.pread(file, size if most is None else min(size, most), int(offsets[number]))

    def metas(self) -> list[bytes]:
        """The short record of every document."""
        file, offsets, _ = self._columns[_META]
        whole = _read(file, int(offsets[-1]), 0)
        marks = offsets.tolist()
        return [whole[start:end] for start, end in pairwise(marks)]

    def meta(self, number: int) -> bytes:
        """The short record of one document."""
        return self._value(_META, number)

    def text(self, number: int) -> str:
        """The text as it was given."""
        return zlib.decompress(self._value(_TEXT, number)).decode()

    def folded(self, number: int, most: int | None = None) -> bytes:
        """Folded title, number, names and text, UTF-8; only the first `most` bytes if given."""
        return self._value(_FOLDED, number, most)

    def containing(self, numbers: Iterable[int], needle: bytes) -> list[int]:
        """Those of the documents whose folded form contains the bytes."""
        file, offsets, lengths = self._columns[_FOLDED]
        pread = os.pread
        return [n for n in numbers if needle in pread(file, lengths[n], offsets[n])]

    def locate(self, term: str) -> tuple[int, int] | None:
        """(documents, place in the postings file) of a term. The caller serialises: the position is shared."""
        try:
            info = self._terms[_KEY + term.encode()]
        except KeyError:
            return None
        having, offset = _PLACE.unpack(info)
        return having, offset

    def beginning(self, prefix: str) -> Iterator[tuple[Numbers, Counts]]:
        """Postings of all terms with this beginning. Neighbours in the term index are neighbours in the postings file, so
        both are read in one piece. The caller serialises."""
        begin = _KEY + prefix.encode()
        at = self._terms.closest_key_pos(begin)
        places: list[tuple[int, int]] = []
        while at is not None and at < self._terms.endofdata:
            key_size, size = _LENGTHS.unpack(self._file.get(at, _LENGTHS.size))
            at += _LENGTHS.size
            record = self._file.get(at, key_size + size)
            if not record.startswith(begin):
                break
            places.append(_PLACE.unpack_from(record, key_size))
            at += key_size + size
        if not places:
            return
        first = places[0][1]
        raw = _read(self._postings, places[-1][1] + 3 * places[-1][0] - first, first)
        for having, offset in places:
            yield (
                np.frombuffer(raw, np.uint16, having, offset - first),
                np.frombuffer(raw, np.uint8, having, offset - first + 2 * having),
            )

    def postings(self, place: tuple[int, int]) -> tuple[Numbers, Counts]:
        """Document numbers, ascending, and how often the term occurs in each (at most 255)."""
        having, offset = place
        raw = _read(self._postings, 3 * having, offset)
        return np.frombuffer(raw, np.uint16, having), np.frombuffer(raw, np.uint8, having, 2 * having)

    def close(self) -> None:
        """Close the files; the object is of no use afterwards."""
        files, self._files = self._files, []
        for file in files:
            os.close(file)
        if not self._file.is_closed:
            self._file.close()

    def __del__(self) -> None:
        # Searches under way hold the object; the last of them closes it, so none loses its reader.
        self.close()


def _read(file: int, size: int, offset: int) -> bytes:
    data = os.pread(file, size, offset)
    while len(data) < size:
        more = os.pread(file, size - len(data), offset + len(data))
        if not more:
            raise OSError("a file of the index is shorter than its table says")
        data += more
    return data


def _capped(counts: Collection[int]) -> bytes:
    try:
        return bytes(counts)
    except ValueError:
        return bytes(min(times, 255) for times in counts)


@dataclass(frozen=True, slots=True)
class Record:
    """What is written for one document."""

    meta: bytes
    text: str
    folded: str
    terms: dict[str, int]


class Writer:
    """One commit: deletions and one new segment. TimeoutError when another holds Whoosh's lock too long."""

    def __init__(self, folder: Path, timeout: float) -> None:
        try:
            self._writer = SegmentWriter(
                FileIndex(storage(folder), schema=_SCHEMA), timeout=timeout, compound=False, limitmb=1
            )
        except LockError as error:
            raise TimeoutError(str(error)) from error
        self._ids: defaultdict[str, int] = defaultdict(count().__next__)
        self._terms, self._docs, self._times = array("I"), array("H"), array("B")
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Time to commit and go on with a new writer."""
        return len(self._terms) >= MAX_POSTINGS or self._bytes >= MAX_BYTES or self._writer.docnum >= MAX_DOCS

    def delete(self, number: int) -> None:
        """Delete by number over all segments, in the order of the table of contents."""
        self._writer.delete_document(number)

    def add(self, record: Record) -> None:
        """Add a document to the new segment."""
        number = self._writer.docnum
        folded = record.folded.encode(errors="replace")
        columns = self._writer.perdocwriter
        columns.start_doc(number)
        columns.add_column_value(_META, _COLUMN, record.meta)
        columns.add_column_value(_TEXT, _COLUMN, zlib.compress(record.text.encode(errors="replace"), 1))
        columns.add_column_value(_FOLDED, _COLUMN, folded)
        columns.finish_doc()
        self._writer.docnum += 1
        self._writer._added = True
        self._bytes += len(folded)
        self._terms.extend(map(self._ids.__getitem__, record.terms))
        self._times.extend(_capped(record.terms.values()))
        self._docs.extend([number] * len(record.terms))

    def commit(self, drop: frozenset[str] = frozenset()) -> None:
        """Make everything visible at once. `drop`: segments whose living documents were added again."""
        writer = self._writer
        if writer._added:
            writer.perdocwriter.close()
            self._write_postings(writer.fieldwriter)
            writer.fieldwriter.close()
        writer._flush_segment = lambda: None
        writer.commit(mergetype=lambda _, old: [s for s in old if s.segment_id() not in drop])

    def cancel(self) -> None:
        """Leave everything as it was."""
        self._writer.cancel()

    def _write_postings(self, out: Any) -> None:
        names = sorted(self._ids)
        out._tindex.extras["latin"] = "\n".join(name for name in names if not is_cjk(name[0]))
        ranks = np.empty(len(names), dtype=np.uint32)
        ranks[[self._ids[name] for name in names]] = np.arange(len(names), dtype=np.uint32)
        keys = ranks[np.frombuffer(self._terms, np.uint32)] if names else ranks
        order = np.argsort(keys, kind="stable")
        ends = np.cumsum(np.bincount(keys, minlength=len(names))).tolist()
        docs = np.frombuffer(self._docs, np.uint16)[order] if names else np.empty(0, np.uint16)
        times = np.frombuffer(self._times, np.uint8)[order] if names else np.empty(0, np.uint8)
        out.start_field(_FIELD, _SCHEMA[_FIELD])
        file = out._postfile
        start, offset = 0, file.tell()
        for name, end in zip(names, ends, strict=True):
            file.write(docs[start:end].tobytes() + times[start:end].tobytes())
            out._tindex.add(_KEY + name.encode(), _PLACE.pack(end - start, offset))
            offset += 3 * (end - start)
            start = end
        out.finish_field()
