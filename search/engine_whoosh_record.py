"""What is written for one document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from search import analysis, sounds
from search.engine import Entry


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
    folded_names: str
    spelled: str


@dataclass(frozen=True, slots=True)
class Record:
    """`meta`: a `Meta` as JSON; `terms`: how often each occurs."""

    meta: bytes
    text: str
    folded: str
    terms: dict[str, int]

    @property
    def times(self) -> bytes:
        """How often each of the terms occurs, in their order; at most 255."""
        try:
            return bytes(self.terms.values())
        except ValueError:
            return bytes(min(times, 255) for times in self.terms.values())


def record(entry: Entry) -> Record:
    """An entry as it is written."""
    title, number = _clean(entry.title), _clean(entry.number)
    text, folded_text, aligned = analysis.align(_clean(entry.text))
    names = [analysis.fold(_clean(name)) for name in entry.names]
    folded_title, folded_number = analysis.fold(title), analysis.fold(number)
    folded = analysis.joined(folded_title, folded_number, names, folded_text)
    terms = analysis.count_terms(folded)
    facets = {name: list(values) for name, values in entry.all_facets().items()}
    meta = Meta(
        entry.id, entry.kind, number, title, entry.level, sorted(entry.labels), facets, entry.updated, entry.fresh,
        entry.fingerprint(), terms.total(), aligned, folded_title, folded_number, analysis.NAME_SEAM.join(names),
        sounds.line([folded_title, folded_number, *names]),
    )  # fmt: skip
    return Record(json.dumps(meta, separators=(",", ":")).encode(), text, folded, terms)


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()
