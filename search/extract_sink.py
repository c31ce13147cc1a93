"""What every reader of `search.extract` shares: where the text goes, and how a reader gives up.

A reader is a function `read(data, sink)`. It writes text into the sink as it finds it, so what was read before
a problem is kept, and it raises `Problem` with one of the notes of `search.extract.NOTES`.
"""

from __future__ import annotations

import re

# Everything below a space but tab and newline, DEL, and lone surrogates: no database or index wants them.
_JUNK = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile("\r\n|[\r\f\v]")
_TRAIL = re.compile(r"[ \t\u00a0\u3000]+\n")
_GAPS = re.compile(r"\n{3,}")


class Problem(Exception):
    """A file that cannot be read, or not to its end: `note` is a code, `detail` a few English words."""

    def __init__(self, note: str, detail: str = "") -> None:
        super().__init__(note, detail)
        self.note = note
        self.detail = detail


class Full(Problem):
    """The sink holds as much text as was asked for; what follows in the file is not read."""

    def __init__(self, limit: int) -> None:
        super().__init__("truncated", f"text cut at {limit} characters")


class Sink:
    """Gathers at most `limit` characters, then raises `Full`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._room = limit
        self._parts: list[str] = []

    @property
    def room(self) -> int:
        """How many characters may still be written."""
        return self._room

    def write(self, text: str) -> None:
        """Add `text` as it is."""
        if len(text) > self._room:
            self._parts.append(text[: self._room])
            self._room = 0
            raise Full(self._limit)
        self._parts.append(text)
        self._room -= len(text)

    def line(self, text: str = "") -> None:
        """Add `text` and the end of a line."""
        self.write(text + "\n")

    def text(self) -> str:
        """All that was written, without control characters, trailing blanks and runs of empty lines."""
        clean = _JUNK.sub("", _BREAKS.sub("\n", "".join(self._parts)))
        return _GAPS.sub("\n\n", _TRAIL.sub("\n", clean)).strip()
