"""Whoosh as a store: its table of contents, segments, term index, columns and locks, our own postings in them.

The only module that knows Whoosh's inside. A segment is written from flat arrays, and its postings are plain arrays
of document numbers and counts in the postings file, so that a term is read with one `pread` and no Python loop
(Whoosh's own writer makes 170-190 documents a second, its matchers pickle 128 postings at a time). What makes commits safe stays Whoosh's: files first, then a new table of contents by rename.

Whoosh unpickles its own files: an index folder is 0700 and never restored from an untrusted place.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from search import engine_whoosh_disk as disk
from search.engine_whoosh_postings import Counts, Gathered, Numbers, Record
from search.engine_whoosh_record import columns

with warnings.catch_warnings():
    # Whoosh 2.7.4 has string escapes and `is` comparisons that compilers warn about; nothing else is hidden.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from whoosh.codec.whoosh3 import W3Codec  # type: ignore[import-untyped]
    from whoosh.columns import VarBytesColumn  # type: ignore[import-untyped]
    from whoosh.fields import ID, Schema  # type: ignore[import-untyped]
    from whoosh.filedb.filestore import FileStorage  # type: ignore[import-untyped]
    from whoosh.filedb.filetables import OrderedHashReader  # type: ignore[import-untyped]
    from whoosh.index import TOC, EmptyIndexError, FileIndex, LockError, clean_files  # type: ignore[import-untyped]
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


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A segment in the table of contents: its name and which of its documents are deleted."""

    name: str
    count: int
    deleted: frozenset[int]
    handle: Any


class _Codec(W3Codec):  # type: ignore[misc]
    """Segments whose names never come again. Whoosh draws them from `random`, which a program may have seeded; what is
    remembered of a segment is remembered by its name."""

    def new_segment(self, storage: Any, indexname: str) -> Any:
        segment = super().new_segment(storage, indexname)
        segment.segid = secrets.token_hex(8)
        return segment


class _Lasting(FileStorage):  # type: ignore[misc]
    """A folder in which the rename that makes a commit visible also survives a power cut."""

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        disk.settle(Path(self.folder) / oldname)
        super().rename_file(oldname, newname, safe)
        disk.settle(Path(self.folder))


def storage(folder: Path, *, fsync: bool = False) -> Any:
    """Mapping files copies whole segments to the heap at every open (400 MB, 176 ms): read them normally."""
    return (_Lasting if fsync else FileStorage)(str(folder), supports_mmap=False)


def create(folder: Path, *, fsync: bool) -> None:
    """An empty index in an existing folder."""
    TOC.create(storage(folder, fsync=fsync), _SCHEMA)


def tidy(folder: Path) -> None:
    """Remove what a writer left that was killed. Under the lock that keeps other writers away."""
    toc = TOC.read(storage(folder), "MAIN", schema=_SCHEMA)
    clean_files(storage(folder), "MAIN", toc.generation, toc.segments)
    shutil.rmtree(folder / "MAIN.tmp", ignore_errors=True)
    for half in folder.glob("_MAIN_*.toc.*"):
        half.unlink(missing_ok=True)


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
        #: Every term that does not begin with a Chinese character, in order, one a line; the short records column by column
        #: (`engine_whoosh_record.columns`). Whoever opens the segment takes them: nothing else keeps them in memory.
        self.latin: str = extras.pop("latin")
        self.columns: str = extras.pop("columns")

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
        raw = disk.read(self._postings, places[-1][1] + 3 * places[-1][0] - first, first)
        for having, offset in places:
            yield (
                np.frombuffer(raw, np.uint16, having, offset - first),
                np.frombuffer(raw, np.uint8, having, offset - first + 2 * having),
            )

    def postings(self, place: tuple[int, int]) -> tuple[Numbers, Counts]:
        """Document numbers, ascending, and how often the term occurs in each (at most 255)."""
        having, offset = place
        raw = disk.read(self._postings, 3 * having, offset)
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


class Writer:
    """One commit: deletions and one new segment. TimeoutError when another holds Whoosh's lock too long."""

    def __init__(self, folder: Path, timeout: float, *, fsync: bool) -> None:
        self._folder, self._fsync = folder, fsync
        index = FileIndex(storage(folder, fsync=fsync), schema=_SCHEMA)
        try:
            self._writer = SegmentWriter(index, timeout=timeout, compound=False, limitmb=1, codec=_Codec())
        except LockError as error:
            raise TimeoutError(str(error)) from error
        self._gathered = Gathered()
        self._metas: list[bytes] = []
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Time to commit and go on with a new writer."""
        return (
            len(self._gathered) >= MAX_POSTINGS or self._bytes >= MAX_BYTES or self._writer.docnum >= MAX_DOCS
        )

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
        self._gathered.add(number, record.terms)
        self._metas.append(record.meta)

    def commit(self, drop: frozenset[str] = frozenset()) -> None:
        """Make everything visible at once. `drop`: segments whose living documents were added again."""
        writer = self._writer
        try:
            if writer._added:
                writer.perdocwriter.close()
                self._write_postings(writer.fieldwriter)
                writer.fieldwriter.close()
                for path in self._folder.glob(f"{writer.newsegment.segment_id()}.*") if self._fsync else ():
                    disk.settle(path)
            writer._flush_segment = lambda: None
            writer.commit(mergetype=lambda _, old: [s for s in old if s.segment_id() not in drop])
        except BaseException:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Leave everything as it was."""
        with contextlib.suppress(Exception):  # the disk may be full: the lock is given back all the same
            self._writer._close_segment()
        self._writer._finish()
        with contextlib.suppress(Exception):
            tidy(self._folder)

    def _write_postings(self, out: Any) -> None:
        out._tindex.extras |= {"latin": "\n".join(self._gathered.latin()), "columns": columns(self._metas)}
        out.start_field(_FIELD, _SCHEMA[_FIELD])
        file = out._postfile
        offset = file.tell()
        for name, having, postings in self._gathered.terms():
            file.write(postings)
            out._tindex.add(_KEY + name.encode(), _PLACE.pack(having, offset))
            offset += len(postings)
        out.finish_field()
