"""What every reader of `search.extract` shares: where the text goes, and how a reader gives up.

A reader is a function `read(data, sink)`. It writes text into the sink as it finds it, so what was read before
a problem is kept, and it raises `Problem` with one of the codes of `search.extract_notes.PROBLEMS`.
"""

from __future__ import annotations

import re

from search.extract_clock import Clock

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
    """Nothing more of the file is read, nor of what it is a part of: enough text, or no time left."""


class Sink:
    """Gathers at most `limit` characters, for as long as the clock says, then raises `Full`."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._room = limit
        self._clock = clock
        self._parts: list[str] = []
        self._signs = 0

    @property
    def room(self) -> int:
        """How many characters may still be written."""
        return self._room

    @property
    def signs(self) -> int:
        """How many characters were written that are no blanks at the ends of what was written."""
        return self._signs

    def write(self, text: str) -> None:
        """Add `text` as it is."""
        if self._clock.over:
            raise Full("timeout", "not read to its end in time")
        if len(text) > self._room:
            self._parts.append(text[: self._room])
            self._room = 0
            raise Full("truncated", f"text cut at {self._limit} characters")
        self._parts.append(text)
        self._room -= len(text)
        self._signs += len(text.strip())

    def line(self, text: str = "") -> None:
        """Add `text` and the end of a line."""
        self.write(text + "\n")

    def text(self) -> str:
        """All that was written, without control characters, trailing blanks and runs of empty lines."""
        clean = _JUNK.sub("", _BREAKS.sub("\n", "".join(self._parts)))
        return _GAPS.sub("\n\n", _TRAIL.sub("\n", clean)).strip()
