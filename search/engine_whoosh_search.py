"""A query on one view: which documents, in which order, with which counts. Nothing here touches Whoosh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from search import analysis, scoring, snippets
from search.engine import Access, Filters, Hit, Order, Result, Suggestion, steps
from search.engine_whoosh_view import View
from search.query import Needle, Query
from search.scoring import Bools, Docs, Floats

_NOWHERE = 9


def search(
    view: View,
    query: str | Query,
    access: Access,
    filters: Filters,
    facets: Sequence[str],
    limit: int,
    offset: int,
    order: Order,
) -> Result:
    """See `Engine.search`."""
    result = Result(generation=view.generation)
    permitted = view.permitted(access)
    # An empty mask must answer before anything is looked up: engines take an empty filter for no filter.
    if not permitted.any():
        return result
    chosen = {
        name: view.with_values(name, view.names.known(name, frozenset(values)))
        for name, values in filters.items()
        if values
    }
    for relaxed, step in steps(query):
        found = permitted & _matching(view, step, relaxed == "any")
        full = found.copy()
        for having in chosen.values():
            full &= having
        docs = np.flatnonzero(full).astype(np.int32)
        if len(docs):
            break
    else:
        return result
    scores = _scores(view, step) if step.words or step.phrases else None
    ranked = scoring.best(docs, scores if order == "score" else None, view.recency, offset + limit)
    return Result(
        total=len(docs),
        hits=[_hit(view, doc, scores, step.terms) for doc in ranked[offset:].tolist()],
        facets={name: _counts(view, name, found, chosen) for name in facets},
        generation=view.generation,
        terms=step.terms,
        relaxed=relaxed,
    )


def _counts(view: View, name: str, found: Bools, chosen: Mapping[str, Bools]) -> list[tuple[str, int]]:
    """Counts of one facet: all filters apply but its own."""
    mine = found
    for other, having in chosen.items():
        if other != name:
            mine = mine & having
    return view.facet_counts(name, mine)


def _needles(query: Query) -> list[Needle]:
    return list(dict.fromkeys(needle for word in query.words + query.phrases for needle in word.needles))


def _matching(view: View, query: Query, any_word: bool) -> Bools:
    """Living documents that answer the query, whoever asks."""
    if query.empty:
        return np.zeros(view.size, np.bool_)
    found = view.alive.copy()
    if query.words:
        found &= _any(view, query) if any_word else _all(view, query)
    for phrase in query.phrases:
        found &= _mask(view, view.holding(phrase))
    for word in query.without:
        found[view.holding(word)] = False
    for name, values in query.fields.items():
        found &= _field(view, name, values)
    for name, values in query.without_fields.items():
        found &= ~_field(view, name, values)
    return found


def _all(view: View, query: Query) -> Bools:
    needles = list(dict.fromkeys(needle for word in query.words for needle in word.needles))
    lists = [found for needle in needles if (found := view.postings(needle)) is not None]
    if not lists:  # every needle stands for too many terms: look at the texts
        result = view.alive
        for word in query.words:
            result = result & _mask(view, view.holding(word))
        return result
    lists.sort(key=lambda found: len(found.docs))
    having = np.zeros(view.size, np.uint8)
    for found in lists:
        having[found.docs] += 1
    found_all: Bools = having == len(lists)
    return found_all


def _any(view: View, query: Query) -> Bools:
    result = np.zeros(view.size, np.bool_)
    for needle in _needles(query):
        found = view.postings(needle)
        if found is not None:
            result[found.docs] = True
    return result


def _field(view: View, name: str, values: frozenset[str]) -> Bools:
    if name == "number":
        result = np.zeros(view.size, np.bool_)
        for value in values:
            result[view.lines("numbers", value)[0]] = True
        return result
    return view.with_values(name, view.names.folded(name, values))


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
        weights = (found.weight for needle in word.needles if (found := view.postings(needle)) is not None)
        most = (scoring.K1 + 1) * sum(weights)
        whole += most
        if len(word.text) > 1:
            scores[view.titled(word.text)] += scoring.TITLE_BONUS * most
    scores[view.same("titles", analysis.fold(query.text))] += scoring.SAME_TITLE_BONUS * whole
    if key := analysis.number_key(query.text):
        scores[view.same("keys", key)] += scoring.NUMBER_FIRST
    return scores


def _hit(view: View, doc: int, scores: Floats | None, terms: Sequence[str]) -> Hit:
    shard, inside = view.locate(doc)
    meta = shard.meta(inside)
    text, folded = shard.texts(inside)
    return Hit(
        id=meta.id,
        score=float(scores[doc]) if scores is not None else 0.0,
        title=snippets.highlight(meta.title, terms),
        snippet=snippets.snippet(text, terms, folded=folded if meta.aligned else None),
    )


def suggest(view: View, prefix: str, access: Access, limit: int) -> list[Suggestion]:
    """See `Engine.suggest`. In turn: number or title begins with it or contains it; the same with pinyin."""
    text = analysis.fold(prefix)
    permitted = view.permitted(access)
    if not text or limit <= 0 or not permitted.any():
        return []
    ranks = np.full(view.size, _NOWHERE, np.uint8)
    for rank, docs in _places(view, text):
        ranks[docs] = np.minimum(ranks[docs], rank)
    found = np.flatnonzero(permitted & (ranks < _NOWHERE))
    ordered = found[np.lexsort((-view.recency[found], view.title_lengths[found], ranks[found]))]
    named: dict[str, Suggestion] = {}
    for doc in ordered.tolist():
        title = view.line("titles", doc)
        if title in named:  # the same title many times helps nobody
            continue
        shard, inside = view.locate(doc)
        meta = shard.meta(inside)
        named[title] = Suggestion(meta.id, meta.kind, meta.number, snippets.highlight(meta.title, [text]))
        if len(named) >= limit:
            break
    return list(named.values())


def _places(view: View, text: str) -> list[tuple[int, Docs]]:
    titles, title_heads = view.lines("titles", text)
    numbers, number_heads = view.lines("numbers", text)
    places = [(0, number_heads), (0, title_heads), (1, titles), (1, numbers)]
    letters = text.replace(" ", "").replace("'", "")
    if letters.isascii() and letters.isalnum():
        for name in ("initials", "pinyin"):
            docs, heads = view.lines(name, letters)
            places += [(2, heads), (3, docs)]
    return places
