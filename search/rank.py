"""The order of the best answers, looked at closely: what an engine's sum of rarities cannot see.

An engine picks by rarity and frequency (BM25). Among the best of its answers those come first in which the words stand close
together, whole and next to each other as typed, and in the title; newer ones where they say that newness counts.
Every part lies between 0 and 1 and is independent of the engine, whose own score is taken relative to its best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.plan import Found, Head
from search.query import Query

#: A number typed in full comes before everything else: engines add this to its score.
NUMBER_FIRST = 1_000_000.0
#: What closeness, the whole words, the title and newness may add to a relative score of at most 1.
CLOSE, WHOLE, TITLE, FRESH = 0.35, 0.2, 0.25, 0.15
#: Characters in which words count as close together: about two sentences.
_SPAN = 60
_PLACES = 12  # of one needle in one text
_STEP = 10.0  # between two tiers; more than all parts together
_DAY = 86_400_000_000


def ordered(
    found: Sequence[Found],
    heads: Sequence[Head],
    query: Query,
    weights: Mapping[str, float],
    tiers: Sequence[int],
    now: int | None,
) -> list[Found]:
    """The answers by tier (of their rung), then by score; those that have a head (the first ones) with all parts. Equal ones stay as they were.

    Scores are replaced: a part is never negative, so that what has no head stays behind."""
    top = max((one.score for one in found if one.score < NUMBER_FIRST), default=0.0)
    look = _Look(query, weights)
    scored = []
    for at, one in enumerate(found):
        numbered = one.score >= NUMBER_FIRST
        score = min(1.0, one.score / top) if top > 0 else 1.0
        if at < len(heads):
            score += look.parts(heads[at]) + _freshness(heads[at], now)
        scored.append(one._replace(score=score + NUMBER_FIRST * numbered))
    return sorted(scored, key=lambda one: (one.score < NUMBER_FIRST, tiers[one.rung], -one.score))


def shown(one: Found, tiers: Sequence[int]) -> float:
    """A score that falls from hit to hit over all tiers."""
    return one.score + _STEP * (tiers[-1] - tiers[one.rung])


def _freshness(head: Head, now: int | None) -> float:
    if now is None or not head.fresh:
        return 0.0
    age = max(0, now - head.updated) / _DAY
    return float(FRESH * 0.5 ** (age / head.fresh))


class _Look:
    """One query, ready to be looked for in many texts."""

    def __init__(self, query: Query, weights: Mapping[str, float]) -> None:
        words = query.phrases + query.words
        needles = {needle.text for word in words for needle in word.needles}
        needles |= {needle.text for word in query.words for slip in word.slips for needle in slip.needles}
        self._weights = {text: weights[text] for text in needles if weights.get(text, 0.0) > 0}
        self._all = (
            sum(self._weights.get(t, 0.0) for t in {n.text for word in words for n in word.needles}) or 1.0
        )
        texts = list(dict.fromkeys(word.text for word in words))
        # A word of one needle is whole wherever the needle is; several words are whole when they follow each other.
        self._whole = [text for word in words if len(word.needles) > 1 for text in [word.text]]
        self._together = "".join(texts) if len(texts) > 1 else ""

    def parts(self, head: Head) -> float:
        """What closeness, whole words and the title add."""
        title = self._sum(head.title) / self._all
        close = max(self._closest(head.text), self._sum(head.title)) / self._all
        return CLOSE * min(1.0, close) + WHOLE * self._wholeness(head) + TITLE * min(1.0, title)

    def _sum(self, text: str) -> float:
        return sum(weight for needle, weight in self._weights.items() if needle in text)

    def _wholeness(self, head: Head) -> float:
        wanted = len(self._whole) + bool(self._together)
        if not wanted:
            return 0.0
        having = sum(text in head.title or text in head.text for text in self._whole)
        having += bool(self._together) and (self._together in head.title or self._together in head.text)
        return having / wanted

    def _closest(self, text: str) -> float:
        """The greatest weight of different needles within `_SPAN` characters."""
        places: list[tuple[int, str]] = []
        for needle in self._weights:
            at = text.find(needle)
            for _ in range(_PLACES):
                if at < 0:
                    break
                places.append((at, needle))
                at = text.find(needle, at + 1)
        places.sort()
        best = weight = 0.0
        inside: dict[str, int] = {}
        first = 0
        for at, needle in places:
            inside[needle] = inside.get(needle, 0) + 1
            if inside[needle] == 1:
                weight += self._weights[needle]
            while at - places[first][0] > _SPAN:
                left = places[first][1]
                inside[left] -= 1
                if not inside[left]:
                    weight -= self._weights[left]
                first += 1
            best = max(best, weight)
        return best
