"""Short texts of many documents in one string: substrings of any of them at the speed of `str.find`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


class Lines:
    """One line a document. `parts`, when given, are the pieces of each line; a find must begin at a piece."""

    def __init__(
        self, lines: Sequence[str] | None = None, parts: Sequence[Sequence[str]] | None = None
    ) -> None:
        if parts is not None:
            lines = ["".join(pieces) for pieces in parts]
            # One byte a character: 1 where a piece begins.
            marks = bytearray()
            for pieces in parts:
                for piece in pieces:
                    marks += b"\1" + bytes(len(piece) - 1)
                marks.append(0)
            self._marks: bytes | None = bytes(marks)
        else:
            self._marks = None
        lines = lines or []
        self.text = "\n".join(lines)
        self.lengths = np.fromiter(map(len, lines), dtype=np.int32, count=len(lines))
        self._starts = np.cumsum(self.lengths + 1, dtype=np.int64) - self.lengths - 1

    def find(self, needle: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """(documents, ascending and distinct; whether the line begins with the needle)."""
        places: list[int] = []
        text, marks = self.text, self._marks
        at = text.find(needle) if needle and "\n" not in needle else -1
        while at >= 0:
            if marks is None or marks[at]:
                places.append(at)
            at = text.find(needle, at + 1)
        found = np.array(places, dtype=np.int64)
        docs, first = np.unique(np.searchsorted(self._starts, found, side="right") - 1, return_index=True)
        return docs, found[first] == self._starts[docs]

    def line(self, number: int) -> str:
        """The line of one document."""
        start = int(self._starts[number])
        return self.text[start : start + int(self.lengths[number])]
