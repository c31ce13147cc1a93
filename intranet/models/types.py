"""Column types: moments are UTC, naive in the database, aware in Python; sets of ids are kept small."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import Any

from sqlalchemy import DateTime, LargeBinary
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime. Storing a naive one is an error, never a guess."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Ids(TypeDecorator[frozenset[int]]):
    """A set of ids of rows (each below 2**31), as the differences of one to the next, compressed: about two bytes an id."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Collection[int] | None, dialect: Any) -> bytes:
        ordered = sorted(value or ())
        steps = [b - a for a, b in pairwise([0, *ordered])]
        return zlib.compress(struct.pack(f"<{len(steps)}I", *steps)) if steps else b""

    def process_result_value(self, value: bytes | None, dialect: Any) -> frozenset[int]:
        raw = zlib.decompress(value) if value else b""
        return frozenset(accumulate(struct.unpack(f"<{len(raw) // 4}I", raw)))
