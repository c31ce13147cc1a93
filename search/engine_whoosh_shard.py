"""One loaded segment: what is needed of every document is in arrays, the rest stays in the files."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from search import analysis, slips
from search.engine_whoosh_lines import Lines, spelled
from search.engine_whoosh_postings import Counts, Numbers, Record
from search.engine_whoosh_record import Meta
from search.engine_whoosh_store import Segment, SegmentInfo
from search.plan import HEAD, Head
from search.query import Form, Needle

V = TypeVar("V")


class Cache(Generic[V]):
    """Values up to a number of bytes, least used go first. Safe for threads; two may work out the same value."""

    def __init__(self, limit: int, size: Callable[[V], int]) -> None:
        self._limit, self._size, self._held = limit, size, 0
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of a key, made when it is not there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            if key not in self._values:
                self._held += self._size(value)
                self._values[key] = value
                while self._held > self._limit and len(self._values) > 1:
                    self._held -= self._size(self._values.popitem(last=False)[1])
        return value


class Names:
    """Facet values as small numbers, the same in all segments of an index. 0 means none."""

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, int]] = {}
        self._values: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def code(self, facet: str, value: str) -> int:
        """Number of a value, given at first sight."""
        with self._lock:
            codes = self._codes.setdefault(facet, {})
            values = self._values.setdefault(facet, [""])
            if value not in codes:
                codes[value] = len(values)
                values.append(value)
            return codes[value]

    def value(self, facet: str, code: int) -> str:
        """Value of a number."""
        return self._values[facet][code]

    def folded(self, facet: str, wanted: frozenset[str]) -> list[int]:
        """Numbers of the values that fold to one of these."""
        with self._lock:
            return [
                code for value, code in self._codes.get(facet, {}).items() if analysis.fold(value) in wanted
            ]

    def known(self, facet: str, wanted: frozenset[str]) -> list[int]:
        """Numbers of exactly these values."""
        codes = self._codes.get(facet, {})
        return [codes[value] for value in wanted if value in codes]


class FacetColumn:
    """Values of one facet: the first of each document, and (document, value) for the further ones."""

    def __init__(self, count: int, codes: list[int], places: tuple[list[int], list[int], list[int]]) -> None:
        """`codes` of the values; `places`: the first value of each document (0: none, 1: the first of `codes` ...), then the documents and the
        values of the further ones."""
        first, docs, values = places
        known = np.array([0, *codes], np.int32)
        self.first = known[np.array(first, np.int32)] if first else np.zeros(count, np.int32)
        self.more_docs = docs
        self.more_codes = known[np.array(values, np.int32)].tolist() if values else []


class Shard:
    """A segment with its arrays. Immutable; what is deleted is known to the view."""

    def __init__(self, folder: Path, info: SegmentInfo, names: Names) -> None:
        self.segment = Segment(folder, info)
        self.name, self.count = info.name, info.count
        self._lock = threading.Lock()
        columns = json.loads(self.segment.columns)
        self._latin = f"\n{self.segment.latin}\n"
        self.segment.latin = self.segment.columns = ""
        self.ids = np.array(columns["id"], np.int64)
        self.levels = np.array(columns["level"], np.int16)
        self.updated = np.array(columns["updated"], np.int64)
        self.fingerprints = np.array(columns["fingerprint"], np.int64)
        self.lengths = np.array(columns["length"], np.int32)
        self.fresh = np.array(columns["fresh"], np.int32)
        self.titles = Lines(columns["folded_title"])
        self.numbers = Lines(columns["folded_number"])
        self.keys = Lines(columns["key"])
        #: Title and names, and how they sound, character by character.
        self.names = Lines(columns["named"])
        self.sounds = Lines(columns["sounds"])
        self.pinyin, self.initials = spelled(columns["spelled"])
        self.facets = {
            facet: FacetColumn(self.count, [names.code(facet, value) for value in values], places)
            for facet, (values, places) in columns["facets"].items()
        }
        self.labels = {label: np.array(docs, np.uint16) for label, docs in columns["labels"].items()}

    def terms(self, needle: Needle) -> list[str]:
        """Terms of this segment that the needle stands for; those of one character are read by `beginning`."""
        if needle.form in (Form.EXACT, Form.CHAR):
            return [needle.text]
        # The text of a needle is letters and digits: it cannot meet the line breaks between terms.
        text = needle.text
        wanted = {Form.PREFIX: "\n" + text, Form.SUFFIX: text + "\n", Form.INFIX: text}[needle.form]
        found, latin = [], self._latin
        at = latin.find(wanted)
        while at >= 0:
            inside = at + 1 if needle.form is Form.PREFIX else at
            end = latin.index("\n", inside)
            found.append(latin[latin.rfind("\n", 0, inside) + 1 : end])
            at = latin.find(wanted, end)
        return found

    def postings(self, term: str) -> tuple[Numbers, Counts] | None:
        """Documents of a term and how often it occurs in each."""
        with self._lock:
            place = self.segment.locate(term)
        return self.segment.postings(place) if place else None

    def beginning(self, char: str) -> tuple[Numbers, npt.NDArray[np.int32]]:
        """Documents with terms that begin with a character, and how often these occur together."""
        total = np.zeros(self.count, np.int32)
        with self._lock:
            for docs, times in self.segment.beginning(char):
                total[docs] += times
        docs = np.flatnonzero(total).astype(np.uint16)
        return docs, total[docs]

    def meta(self, doc: int) -> Meta:
        """The short record of a document."""
        return Meta(*json.loads(self.segment.meta(doc)))

    def record(self, doc: int) -> Record:
        """The document as it was written, to be written again into another segment."""
        folded = self.segment.folded(doc).decode()
        return Record(self.segment.meta(doc), self.segment.text(doc), folded, analysis.count_terms(folded))

    def similar(self, word: str) -> list[str]:
        """Latin terms of this segment that the word may be a slip of."""
        most = slips.allowed(word)
        shape = f"(?<=\\n){word[0]}[^\\W\\d_]{{{len(word) - 1 - most},{len(word) - 1 + most}}}(?=\\n)"
        return [term for term in re.findall(shape, self._latin) if slips.close(word, term)]

    def texts(self, doc: int) -> tuple[str, str]:
        """Text and folded text of a document."""
        return self.segment.text(doc), analysis.parted(self.segment.folded(doc).decode())[3]

    def head(self, doc: int) -> Head:
        """The beginning of a document, for the order."""
        begun = self.segment.folded(doc, 4 * HEAD).decode(errors="ignore")
        title, number, _, text = analysis.parted(begun)
        return Head(title, number, text[:HEAD], int(self.updated[doc]), int(self.fresh[doc]))


def contains(shard: Shard, docs: npt.NDArray[Any], text: str) -> list[int]:
    """Those of the documents in whose title, number or text the folded text stands."""
    return shard.segment.containing(docs.tolist(), text.encode(errors="replace"))
