"""What is written of an entry, and of all documents of a segment together.

Each document has its short record and its texts. Beside them stand the same records column by column, so that a process which
opens an index reads arrays and not a record a document: 50,000 in a tenth of a second instead of more than one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from search import analysis, sounds
from search.engine import Entry
from search.engine_whoosh_postings import Record


class Meta(NamedTuple):
    """What is kept of a document beside its text. What follows `fresh` is worked out when it is written."""

    id: int
    kind: str
    number: str
    title: str
    level: int
    labels: list[str]
    facets: dict[str, list[str]]
    updated: int
    fresh: int
    fingerprint: int
    length: int
    aligned: bool
    folded_title: str
    folded_number: str
    named: str
    sounds: str
    spelled: str


def record(entry: Entry) -> Record:
    """An entry as it is written."""
    title, number = _clean(entry.title), _clean(entry.number)
    text, folded_text, aligned = analysis.align(_clean(entry.text))
    names = [analysis.fold(_clean(name)) for name in entry.names]
    seam = analysis.NAME_SEAM
    folded_title, folded_number = analysis.fold(title), analysis.fold(number)
    folded = analysis.joined(folded_title, folded_number, names, folded_text)
    terms = analysis.count_terms(folded)
    facets = {name: list(values) for name, values in entry.all_facets().items()}
    read = {part: sounds.spelled(part) for part in (folded_title, folded_number, *names)}
    meta = Meta(
        entry.id, entry.kind, number, title, entry.level, sorted(entry.labels), facets, entry.updated, entry.fresh,
        entry.fingerprint(), terms.total(), aligned, folded_title, folded_number, seam.join((folded_title, *names)),
        seam.join(sounds.sound_of(part, read[part]) for part in (folded_title, *names)),
        sounds.line([read[part] for part in (folded_title, folded_number, *names)]),
    )  # fmt: skip
    return Record(json.dumps(meta, separators=(",", ":")).encode(), text, folded, terms)


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()


def columns(metas: Sequence[bytes]) -> str:
    """The records of a segment's documents, in order, as JSON: numbers as lists, short texts as lines, labels and facets as
    lists of documents by value."""
    read = [Meta(*fields) for fields in json.loads(b"[" + b",".join(metas) + b"]")]
    found: dict[str, Any] = {
        name: [getattr(meta, name) for meta in read]
        for name in ("id", "level", "updated", "fingerprint", "length", "fresh")
    }
    for name in ("folded_title", "folded_number", "named", "sounds", "spelled"):
        found[name] = "\n".join(getattr(meta, name) for meta in read)
    found["key"] = "\n".join(analysis.number_key(meta.folded_number) for meta in read)
    labels: dict[str, list[int]] = {}
    for doc, meta in enumerate(read):
        for label in meta.labels:
            labels.setdefault(label, []).append(doc)
    names = dict.fromkeys(name for meta in read for name in meta.facets)
    found |= {"labels": labels, "facets": {name: _facet(name, read) for name in names}}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _facet(name: str, read: Sequence[Meta]) -> tuple[list[str], tuple[list[int], list[int], list[int]]]:
    """Values, and who has them; see `engine_whoosh_shard.FacetColumn`."""
    codes: dict[str, int] = {}
    first = [0] * len(read)
    docs: list[int] = []
    more: list[int] = []
    for doc, meta in enumerate(read):
        for at, value in enumerate(meta.facets.get(name, ())):
            code = codes.setdefault(value, len(codes) + 1)
            if at:
                docs.append(doc)
                more.append(code)
            else:
                first[doc] = code
    return list(codes), (first, docs, more)
