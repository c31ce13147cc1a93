"""A question on one view: which documents, in which order, with which counts. Nothing here touches Whoosh."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from search import analysis, scoring, sounds
from search.engine import ALWAYS, Access, Within
from search.engine_whoosh_view import View
from search.plan import Found, Head, Picked, Plan, Rung, Stored
from search.query import Needle, Query, Word
from search.rank import NUMBER_FIRST
from search.scoring import Bools, Bytes, Docs, Floats

_NOWHERE = 9
_OFF = 255  # on no rung


class Look:
    """`search.plan.Snapshot` over one view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.generation = view.generation

    def anything(self, access: Access) -> bool:
        """See `Snapshot.anything`."""
        return bool(self._view.permitted(access).any())

    def pick(self, plan: Plan, wanted: int) -> Picked:
        """See `Snapshot.pick`."""
        view, query = self._view, plan.query
        rungs = _rungs(view, plan)
        found = view.permitted(plan.access) & (rungs != _OFF) & _matching(view, query)
        matched = int(np.count_nonzero(found))
        if not matched:
            return Picked()
        chosen = {
            name: view.with_values(name, view.values.known(name, frozenset(values)))
            for name, values in plan.filters.items()
        }
        if plan.within != ALWAYS:
            chosen[""] = _during(view, plan.within)
        full = found
        for having in chosen.values():
            full = full & having
        docs = np.flatnonzero(full).astype(np.int32)
        scores = _scores(view, query) if query.words or query.phrases else None
        if plan.order == "score":
            tiers = np.array(
                [rung.tier for rung in plan.rungs] + [_OFF] * (_OFF + 1 - len(plan.rungs)), np.uint8
            )
            best = scoring.by_rung(docs, tiers[rungs], scores, view.recency, wanted)
        else:
            best = scoring.best(docs, None, view.recency, wanted)
        gained = scores[best].tolist() if scores is not None else [0.0] * len(best)
        return Picked(
            matched=matched,
            widest=int(rungs[found].max()),
            total=len(docs),
            strict=int(np.count_nonzero(rungs[docs] == 0)),
            found=[
                Found(int(view.ids[doc]), score, int(rungs[doc]), doc)
                for doc, score in zip(best.tolist(), gained, strict=True)
            ],
            facets={name: _counts(view, name, found, chosen, docs) for name in plan.facets},
            weights={needle.text: _weight(view, needle) for needle in _needles(query)},
        )

    def heads(self, ats: Sequence[int]) -> list[Head]:
        """See `Snapshot.heads`."""
        return [shard.head(inside) for shard, inside in map(self._view.locate, ats)]

    def stored(self, ats: Sequence[int]) -> list[Stored]:
        """See `Snapshot.stored`."""
        found = []
        for shard, inside in map(self._view.locate, ats):
            meta = shard.meta(inside)
            text, folded = shard.texts(inside)
            kept = folded if meta.aligned else None
            found.append(Stored(meta.id, meta.kind, meta.number, meta.title, text, kept))
        return found

    def named(self, text: str, letters: str, access: Access, limit: int) -> list[Stored]:
        """See `Snapshot.named`."""
        view = self._view
        ranks = np.full(view.size, _NOWHERE, np.uint8)
        for rank, docs in _places(view, text, letters):
            ranks[docs] = np.minimum(ranks[docs], rank)
        found = np.flatnonzero(view.permitted(access) & (ranks < _NOWHERE))
        ordered = found[np.lexsort((-view.recency[found], view.title_lengths[found], ranks[found]))]
        named: dict[str, Stored] = {}
        for doc in ordered.tolist():
            title = view.line("titles", doc)
            if title in named:  # the same title many times helps nobody
                continue
            shard, inside = view.locate(doc)
            meta = shard.meta(inside)
            named[title] = Stored(meta.id, meta.kind, meta.number, meta.title, "", None)
            if len(named) >= limit:
                break
        return list(named.values())

    def sounding(self, word: str, access: Access) -> list[tuple[str, int]]:
        """See `Snapshot.sounding`."""
        permitted, key = self._view.permitted(access), sounds.key(word)
        found: Counter[str] = Counter()
        for shard, base in zip(self._view.shards, self._view.bases, strict=False):
            docs, places = shard.sounds.places(key)
            text = shard.names.text
            allowed = permitted[base + docs]
            found.update(text[at : at + len(word)] for at in places[allowed].tolist())
        found.pop(word, None)
        return list(found.items())

    def similar(self, word: str, access: Access) -> list[tuple[str, int]]:
        """See `Snapshot.similar`."""
        view, permitted = self._view, self._view.permitted(access)
        terms = {term for shard in view.shards for term in shard.similar(word)}
        found = []
        for term in terms:
            having = view.postings(Needle(term))
            count = int(np.count_nonzero(permitted[having.docs])) if having is not None else 0
            if count:
                found.append((term, count))
        return found


def _counts(
    view: View, name: str, found: Bools, chosen: Mapping[str, Bools], docs: Docs
) -> list[tuple[str, int]]:
    """Counts of one facet: all filters apply but its own. `docs`: what is left when all apply."""
    if name in chosen:
        mine = found
        for other, having in chosen.items():
            if other != name:
                mine = mine & having
        docs = np.flatnonzero(mine).astype(np.int32)
    return view.facet_counts(name, docs)


def _during(view: View, within: Within) -> Bools:
    since, until = within
    kept = np.ones(view.size, np.bool_)
    if since is not None:
        kept &= view.updated >= since
    if until is not None:
        kept &= view.updated < until
    return kept


def _needles(query: Query) -> list[Needle]:
    words = [*query.words, *query.phrases, *(slip for word in query.words for slip in word.slips)]
    return list(dict.fromkeys(needle for word in words for needle in word.needles))


def _weight(view: View, needle: Needle) -> float:
    found = view.postings(needle)
    return found.weight if found is not None else 0.0


def _rungs(view: View, plan: Plan) -> Bytes:
    """The first rung of each document, whoever asks; `_OFF`: none."""
    rungs = np.full(view.size, _OFF, np.uint8)
    if not plan.query.words:
        rungs[:] = 0
        return rungs
    points: dict[bool, Bytes] = {}
    for number, rung in reversed(list(enumerate(plan.rungs))):
        if rung.slips not in points:
            points[rung.slips] = _points(view, plan.query.words, rung)
        rungs[points[rung.slips] >= rung.least] = number
    rungs[_numbered(view, plan.query)] = 0
    return rungs


def _numbered(view: View, query: Query) -> Docs:
    """Documents whose number is the query."""
    key = analysis.number_key(query.text)
    return view.same("keys", key) if key else np.empty(0, np.int32)


def _points(view: View, words: Sequence[Word], rung: Rung) -> Bytes:
    """What each document gets for the words; see `search.plan.Rung`."""
    points = np.zeros(view.size, np.uint8)
    lists = {needle: view.postings(needle) for word in words for needle in word.needles}
    if all(
        found is None for found in lists.values()
    ):  # every needle stands for too many terms: look at the texts
        for word in words:
            points[view.holding(word)] += len(word.needles)
        return points
    for word in words:
        apart = word.whole or word.letters or (rung.slips and word.slips)
        mine = np.zeros(view.size, np.uint8) if apart else points
        for needle in word.needles:
            found = lists[needle]
            if found is None:  # it does not narrow what the others leave
                mine += 1
            else:
                mine[found.docs] += 1
        if not apart:
            continue
        if word.whole:
            mine[mine < len(word.needles)] = 0
        if word.letters:
            mine[_spelled(view, word.letters)] = len(word.needles)
        for slip in word.slips if rung.slips else ():
            mine[_holding_all(view, slip)] = len(word.needles)
        points += mine
    return points


def _spelled(view: View, letters: str) -> Docs:
    return np.concatenate([view.lines(name, letters)[0] for name in ("initials", "pinyin")])


def _holding_all(view: View, word: Word) -> Bools:
    having = np.zeros(view.size, np.uint8)
    for needle in word.needles:
        found = view.postings(needle)
        having[found.docs if found is not None else slice(None)] += 1
    held: Bools = having == len(word.needles)
    return held


def _matching(view: View, query: Query) -> Bools:
    """Living documents that answer all of the query but its words, whoever asks."""
    if query.empty:
        return np.zeros(view.size, np.bool_)
    found = view.alive
    for phrase in query.phrases:
        found = found & _mask(view, view.holding(phrase))
    for word in query.without:
        found = found & ~_mask(view, view.holding(word))
    for name, values in query.fields.items():
        found = found & _field(view, name, values)
    for name, values in query.without_fields.items():
        found = found & ~_field(view, name, values)
    return found


def _field(view: View, name: str, values: frozenset[str]) -> Bools:
    if name == "number":
        result = np.zeros(view.size, np.bool_)
        for value in values:
            result[view.lines("numbers", value)[0]] = True
        return result
    return view.with_values(name, view.values.folded(name, values))


def _mask(view: View, docs: Docs) -> Bools:
    mask = np.zeros(view.size, np.bool_)
    mask[docs] = True
    return mask


def _scores(view: View, query: Query) -> Floats:
    """BM25 of all needles, and the bonuses of `scoring`."""
    scores = np.zeros(view.size, np.float32)
    for needle in _needles(query):
        found = view.postings(needle)
        if found is not None:
            scores[found.docs] += found.gains
    whole = 0.0
    for word in query.words + query.phrases:
        most = (scoring.K1 + 1) * sum(_weight(view, needle) for needle in word.needles)
        whole += most
        if len(word.text) > 1:
            scores[view.titled(word.text)] += scoring.TITLE_BONUS * most
        if word.letters:
            docs = np.unique(_spelled(view, word.letters))
            scores[docs] += scoring.TITLE_BONUS * scoring.idf(view.count, len(docs))
    scores[view.same("titles", analysis.fold(query.text))] += scoring.SAME_TITLE_BONUS * whole
    scores[_numbered(view, query)] += NUMBER_FIRST
    return scores


def _places(view: View, text: str, letters: str) -> list[tuple[int, Docs]]:
    titles, title_heads = view.lines("titles", text)
    numbers, number_heads = view.lines("numbers", text)
    places = [(0, number_heads), (0, title_heads), (1, titles), (1, numbers)]
    for name in ("initials", "pinyin") if letters else ():
        docs, heads = view.lines(name, letters)
        places += [(2, heads), (3, docs)]
    return places
