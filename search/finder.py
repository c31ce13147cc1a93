"""What all engines share, above the seam of `search.plan`: a query is loosened in steps while it finds little, words are taken
for others that sound or are spelled alike, close answers are put in order, titles and snippets are marked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from search import analysis, questions, rank, slips, snippets
from search.engine import ALWAYS, Access, Filters, Hit, Order, Relaxed, Result, Suggestion, Within
from search.plan import Found, Picked, Plan, Rung, Snapshot
from search.query import Query, Word, parse, word_of
from search.snippets import Marks

#: Answers that are looked at closely to be put in order; what follows stays as the engine picked it.
WINDOW = 50
#: Fewer hits than these loosen the query, while there is a looser reading.
FEW = WINDOW
#: Fewer than these make it likely that a word was mistyped.
RARE = 3
#: A single word of up to so many characters that is found is a name: half of it is something else.
NAME = 3
_GUESSES = 3
_LONGEST = 8  # characters of a Chinese word that may be a slip
_SENTENCE = 5  # characters of a word that may hold words around what is asked for


class Finder(ABC):
    """`Engine.search` and `Engine.suggest` over snapshots; every engine is one."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """The newest generation. Raises `Damaged`."""

    def search(
        self,
        query: str | Query,
        access: Access,
        filters: Filters | None = None,
        facets: Sequence[str] = (),
        limit: int = 10,
        offset: int = 0,
        order: Order = "score",
        *,
        within: Within = ALWAYS,
        now: int | None = None,
        loose: bool = True,
    ) -> Result:
        """See `Engine.search`."""
        asked = parse(query) if isinstance(query, str) else query
        limit, offset = max(0, limit), max(0, offset)
        wanted = max(WINDOW, offset + limit) if order == "score" and limit else offset + limit
        chosen = {name: values for name, values in (filters or {}).items() if values}
        with self.snapshot() as snap:
            if not snap.anything(access):
                return Result(generation=snap.generation)
            plan = Plan(asked, access, (Rung(asked.points),), chosen, within, tuple(facets), order)
            plan, picked = _climb(snap, plan, wanted, loose)
            literal = bool(asked.fields) and not picked.matched
            if literal:  # `field:value` that finds nothing may have been meant as ordinary words
                words = parse(asked.text, {})
                plan, picked = _climb(
                    snap, replace(plan, query=words, rungs=(Rung(words.points),)), wanted, loose
                )
            return _result(snap, plan, picked, literal, limit, offset, now)

    def suggest(self, prefix: str, access: Access, limit: int = 10) -> list[Suggestion]:
        """See `Engine.suggest`."""
        text = analysis.fold(prefix)
        letters = text.replace(" ", "").replace("'", "")
        letters = letters if letters.isascii() and letters.isalnum() else ""
        if not text or limit <= 0:
            return []
        with self.snapshot() as snap:
            if not snap.anything(access):
                return []
            marks = Marks((text,), (letters,) if letters else ())
            return [
                Suggestion(one.id, one.kind, one.number, snippets.highlight(one.title, marks))
                for one in snap.named(text, letters, access, limit)
            ]


def _climb(snap: Snapshot, plan: Plan, wanted: int, loose: bool) -> tuple[Plan, Picked]:
    """The answers as typed and, while they are few, rung after rung those of a looser reading."""
    picked = snap.pick(plan, wanted)
    if picked.matched >= FEW or not plan.query.words or (picked.matched and not loose):
        return plan, picked
    query = plan.query if picked.matched else _content(plan.query)
    if query != plan.query:
        plan = replace(plan, query=query, rungs=(Rung(query.points),))
        picked = snap.pick(plan, wanted)
    if picked.matched < RARE:
        guessed = _guess(snap, plan)
        if guessed is not None:
            looser = snap.pick(guessed, wanted)
            if looser.matched > picked.matched:
                plan, picked = guessed, looser
    tier = len(plan.rungs)
    for least in _leasts(plan.query.points):
        if picked.matched >= FEW or (least == 1 and picked.matched and _is_name(plan.query)):
            break
        plan = replace(plan, rungs=(*plan.rungs, Rung(least, False, tier)))
        picked = snap.pick(plan, wanted)
    return plan, picked


def _content(query: Query) -> Query:
    """Without what people say around what they ask for; the same where that would leave nothing."""
    words: dict[str, Word] = {}
    for word in query.words:
        pieces = questions.content(word.text) if len(word.text) >= _SENTENCE else []
        for kept in map(word_of, pieces) if pieces and pieces != [word.text] else (word,):
            words[kept.text] = kept
    return (
        replace(query, words=tuple(words.values())) if list(words) != [w.text for w in query.words] else query
    )


def _is_name(query: Query) -> bool:
    return len(query.words) == 1 and len(query.words[0].text) <= NAME


def _leasts(points: int) -> Iterator[int]:
    """Three quarters, half, one of the needles; each only if it is less than before."""
    before = points
    for least in (-(-points * 3 // 4), -(-points // 2), 1):
        if 0 < least < before:
            yield least
            before = least


def _guess(snap: Snapshot, plan: Plan) -> Plan | None:
    """The plan with a rung for what the words may have been meant to be; None where there is nothing to guess."""
    words = tuple(replace(word, slips=_slips(snap, word, plan.access)) for word in plan.query.words)
    if not any(word.slips for word in words):
        return None
    query = replace(plan.query, words=words)
    return replace(plan, query=query, rungs=(*plan.rungs, Rung(query.points, True, 1)))


def _slips(snap: Snapshot, word: Word, access: Access) -> tuple[Word, ...]:
    """Closest first, then most frequent among what this person may see."""
    text = word.text
    if slips.guessable(text):
        most = slips.allowed(text)
        near = snap.similar(text, access)
        texts = [
            t for t, _ in sorted(near, key=lambda one: (slips.distance(text, one[0], most), -one[1], one[0]))
        ]
    elif 1 < len(text) <= _LONGEST and all(map(analysis.is_cjk, text)):
        alike = snap.sounding(text, access)
        texts = [t for t, _ in sorted(alike, key=lambda one: (-one[1], one[0]))]
    else:
        return ()
    return tuple(map(word_of, texts[:_GUESSES]))


def _result(
    snap: Snapshot, plan: Plan, picked: Picked, literal: bool, limit: int, offset: int, now: int | None
) -> Result:
    query = plan.query
    marks = _marks(query, plan.rungs[picked.widest])
    found, tiers = picked.found, [rung.tier for rung in plan.rungs]
    if plan.order == "score" and found and (query.words or query.phrases):
        heads = snap.heads([one.at for one in found[:WINDOW]])
        found = rank.ordered(found, heads, query, picked.weights, tiers, now)
    page = found[offset : offset + limit]
    relaxed = _relaxed(plan, picked)
    return Result(
        total=picked.total,
        hits=_hits(snap, page, marks, tiers),
        facets=picked.facets,
        generation=snap.generation,
        marks=marks,
        relaxed="literal" if literal and not relaxed and picked.matched else relaxed,
        strict=picked.strict,
        instead=tuple((word.text, slip.text) for word in query.words for slip in word.slips),
    )


def _relaxed(plan: Plan, picked: Picked) -> Relaxed:
    rung = plan.rungs[picked.widest]
    if picked.widest == 0:
        return ""
    if rung.least == plan.query.points:
        return "sound"
    return "any" if rung.least == 1 else "most"


def _marks(query: Query, widest: Rung) -> Marks:
    texts = [word.text for word in query.phrases + query.words]
    if widest.slips:
        texts += [slip.text for word in query.words for slip in word.slips]
    letters = (word.letters for word in query.words if word.letters)
    return Marks(tuple(dict.fromkeys(texts)), tuple(dict.fromkeys(letters)))


def _hits(snap: Snapshot, page: list[Found], marks: Marks, tiers: Sequence[int]) -> list[Hit]:
    return [
        Hit(
            one.id,
            rank.shown(one, tiers),
            snippets.highlight(kept.title, marks),
            snippets.snippet(kept.text, marks, folded=kept.folded),
        )
        for one, kept in zip(page, snap.stored([one.at for one in page]), strict=True)
    ]
