"""Latin words one or two slips of the finger apart. Model numbers are exact: what holds a digit is no such word."""

from __future__ import annotations

#: Shorter words have too many neighbours to be guessed at.
SHORTEST = 4
_LONG = 8


def guessable(word: str) -> bool:
    """A folded word that may have been mistyped: Latin letters only, and not too few."""
    return len(word) >= SHORTEST and word.isascii() and word.isalpha()


def allowed(word: str) -> int:
    """How many slips a word of this length may hold."""
    return 1 if len(word) < _LONG else 2


def distance(one: str, other: str, most: int) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words; `most + 1` stands for more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, theirs in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (mine != theirs))
            if i > 1 and j > 1 and mine == other[j - 2] and one[i - 2] == theirs:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def close(word: str, term: str) -> bool:
    """Whether `term` may be what was meant by `word`. The first letter is seldom the wrong one, and must agree."""
    if term == word or term[:1] != word[:1] or not term.isalpha():
        return False
    return distance(word, term, allowed(word)) <= allowed(word)
