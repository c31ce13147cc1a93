"""Short texts of many documents in one string: substrings of any of them at the speed of `str.find`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BLANK, _BREAK = ord(" "), ord("\n")
#: From so many places on it is cheaper to compare the whole text than to go from place to place.
_MANY = 300


class Lines:
    """One line a document; a document without text has an empty line."""

    def __init__(self, text: str, begins: bytes | None = None) -> None:
        """`begins`, when given: one byte a character; a find must begin where it is 1."""
        self.text = text
        self._begins = begins
        ends = np.append(np.flatnonzero(_codes(text) == _BREAK), len(text))
        self._starts = np.concatenate(([0], ends[:-1] + 1))
        self.lengths = (ends - self._starts).astype(np.int32)

    def find(self, needle: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """(documents, ascending and distinct; whether the line begins with the needle)."""
        if needle and "\n" not in needle and self.text.count(needle) > _MANY:
            return self._find_many(needle)
        every, found = self.places(needle)
        docs, first = np.unique(every, return_index=True)
        return docs, found[first] == self._starts[docs]

    def _find_many(self, needle: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """`find` by comparing all of the text at once: its cost does not grow with the places."""
        codes = np.append(_codes(self.text), 0)
        here = codes == ord(needle[0])
        for at, char in enumerate(needle[1:], 1):
            here[:-at] &= codes[at:] == ord(char)
            here[-at:] = False
        if self._begins is not None:
            here[:-1] &= np.frombuffer(self._begins, np.bool_)
        docs = np.flatnonzero(np.logical_or.reduceat(here, self._starts))
        return docs, here[self._starts[docs]]

    def places(self, needle: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(document, place in `text`) wherever the needle stands, in order."""
        places: list[int] = []
        text, begins = self.text, self._begins
        at = text.find(needle) if needle and "\n" not in needle else -1
        while at >= 0:
            if begins is None or begins[at]:
                places.append(at)
            at = text.find(needle, at + 1)
        found = np.array(places, dtype=np.int64)
        return np.searchsorted(self._starts, found, side="right") - 1, found

    def line(self, number: int) -> str:
        """The line of one document."""
        start = int(self._starts[number])
        return self.text[start : start + int(self.lengths[number])]


def spelled(text: str) -> tuple[Lines, Lines]:
    """From lines of syllables with blanks between them: the syllables together, and their first letters with all digits."""
    codes = _codes(text)
    blank, broken = codes == _BLANK, codes == _BREAK
    apart = blank | broken
    begins = ~apart & np.concatenate(([True], apart[:-1]))[: len(codes)]
    whole = Lines(_text(codes[~blank]), begins[~blank].tobytes())
    digits = (codes >= ord("0")) & (codes <= ord("9"))
    return whole, Lines(_text(codes[begins | broken | digits]))


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _text(codes: npt.NDArray[np.uint32]) -> str:
    return codes.tobytes().decode("utf-32-le")
