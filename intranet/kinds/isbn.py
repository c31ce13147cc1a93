"""The number of a book, with its check digit (ISO 2108)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .base import Field, Value, Wrong, _


@dataclass(frozen=True)
class Isbn(Field):
    """A book number, ten or thirteen digits, whose check digit is right (ISO 2108); kept without its hyphens."""

    max = 20

    def convert(self, text: str) -> Value:
        digits = re.sub(r"[\s-]", "", text).upper()
        if re.fullmatch(r"\d{9}[\dX]", digits):
            values = [10 if c == "X" else int(c) for c in digits]
            right = sum(v * n for v, n in zip(values, range(10, 0, -1), strict=True)) % 11 == 0
        else:
            known = re.fullmatch(r"97[89]\d{10}", digits) is not None
            right = known and sum(int(c) * (3 if n % 2 else 1) for n, c in enumerate(digits)) % 10 == 0
        if not right:
            raise Wrong(_("ISBN 的位数或校验码不对，请对照封底核对"))
        return digits
