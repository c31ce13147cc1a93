"""The hash chain of the audit log: append, verify, export; and a checker that runs alone.

Every row holds the hash of the row before it (`prev`) and its own (`hash`): SHA-256 over the canonical
JSON of ALL its columns but `hash`, so `seq` and `prev` are covered too. Canonical JSON is: keys sorted,
no spaces, characters not escaped beyond what JSON demands, UTF-8. Rows are numbered 1, 2, 3 ... without
gaps; the `prev` of row 1 is GENESIS.

A chain alone shows any change to a row, but somebody who may write the whole log can cut its tail or
rewrite it from some row on. Only a *head* kept elsewhere ({"seq", "hash"}: printed, in a backup, in an
earlier export) shows that, therefore `verify` takes as many heads as there are.

This file imports nothing but the standard library and may be copied away from the product:

    python chain.py EXPORT.jsonl [--head SEQ:HASH ...] [--json]

Exit code 0: the log is whole; 1: it is not; 2: usage, or the file cannot be read.
An export is JSON lines: one header {"format", "count", "heads"}, then one row a line, oldest first.

An export for somebody who may not know of everything ("audit-chain/2") holds a row that is closed to them as {"seq",
"prev", "hash"} alone: the links are checked, the contents not, and the report says how many such rows there are.
That a hash is no riddle for a dictionary, each row holds 64 random bits of its own (the end of `request`).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

FORMAT = "audit-chain/1"
FORMAT_CLOSED = "audit-chain/2"  # some rows may be closed
SHUT = frozenset({"seq", "prev", "hash"})  # all that a closed row has
GENESIS = "0" * 64

# What can be wrong: stable codes, with their words below.
MALFORMED = "malformed"  # not a row: no JSON object, a column missing or of the wrong type
CHANGED = "changed"  # the columns no longer give the hash
DROPPED = "dropped"  # a number is missing
SWAPPED = "swapped"  # a number comes later than it should
DUPLICATED = "duplicated"  # a number comes twice: a row repeated or inserted
UNLINKED = "unlinked"  # a row does not continue the one before it: one of the two was replaced
REWRITTEN = "rewritten"  # whole in itself, but not the log of which a head was kept
CUT = "cut"  # ends before a head that was kept
MISCOUNTED = "miscounted"  # an export with more or fewer rows than its header says

WORDS = {
    MALFORMED: "有一行无法读取",
    CHANGED: "有一行被改动过",
    DROPPED: "有行被删去",
    SWAPPED: "行的次序被调换",
    DUPLICATED: "有行重复或被插入",
    UNLINKED: "有一行被替换，前后不再衔接",
    REWRITTEN: "与另存的链头不符，日志被改写",
    CUT: "末尾被截去",
    MISCOUNTED: "行数与文件头不符",
}


class Malformed(ValueError):
    """A line or a row that cannot be read as one."""


@dataclass(frozen=True)
class Report:
    """What `verify` found: `count` rows are good, of `closed` ones among them only the links; `head` is the last good one;
    `why` is a code from above."""

    ok: bool
    count: int
    first_bad: int | None
    why: str
    head: dict[str, Any]
    detail: str = ""
    closed: int = 0


def canonical(row: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed. Raises Malformed for what has no single JSON form (NaN, lone surrogates)."""
    try:
        return json.dumps(
            dict(row), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error


def digest(prev: str, row: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over all columns of `row` but `hash`, with `prev` as the hash of the row before."""
    columns = {key: value for key, value in row.items() if key != "hash"}
    columns["prev"] = prev
    return hashlib.sha256(canonical(columns)).hexdigest()


def append(head: Mapping[str, Any] | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """`row` as the successor of `head` (None: the first of a log): with `seq`, `prev` and `hash` set."""
    seq, prev = (0, GENESIS) if head is None else (int(head["seq"]), str(head["hash"]))
    linked = {**row, "seq": seq + 1, "prev": prev}
    return {**linked, "hash": digest(prev, linked)}


def verify(
    rows: Iterable[Mapping[str, Any]],
    heads: Iterable[Mapping[str, Any]] = (),
    *,
    after: Mapping[str, Any] | None = None,
    closed: bool = False,
) -> Report:
    """Check `rows` (oldest first, read once, never held) against themselves and the kept `heads`.

    `after` is a head that was verified before: the rows then start behind it. `closed`: rows may be closed, else such a
    row is a changed one. Stops at the first bad row.
    """
    seq, prev = (0, GENESIS) if after is None else (int(after["seq"]), str(after["hash"]))
    kept: dict[int, str] = {}
    try:
        for head in heads:
            number, known = _head(head)
            if number >= seq and kept.setdefault(number, known) != known:
                return _bad(0, number, REWRITTEN, "two kept heads of the same number differ", seq, prev)
    except Malformed as error:
        return _bad(0, None, MALFORMED, f"a kept head cannot be read: {error}", seq, prev)
    if kept.pop(seq, prev) != prev:
        return _bad(0, seq, REWRITTEN, "the start is not the kept head", seq, prev)

    count = shut = 0
    stream = iter(rows)
    while True:
        try:
            row = next(stream)
            number = _number(row)
        except StopIteration:
            break
        except Malformed as error:
            return _bad(count, seq + 1, MALFORMED, str(error), seq, prev)
        if number != seq + 1:
            return _out_of_order(stream, number, count, seq, prev)
        if row["prev"] != prev:
            return _bad(count, number, UNLINKED, f"row {number} does not continue row {seq}", seq, prev)
        is_shut = closed and row.keys() == SHUT
        try:
            expected = _hash(row) if is_shut else digest(prev, row)
        except Malformed as error:
            return _bad(count, number, MALFORMED, f"row {number}: {error}", seq, prev)
        if row["hash"] != expected:
            return _bad(count, number, CHANGED, f"row {number} was changed: its hash differs", seq, prev)
        if kept.pop(number, expected) != expected:
            return _bad(count, number, REWRITTEN, f"row {number} is not the kept head", seq, prev)
        seq, prev, count, shut = number, expected, count + 1, shut + is_shut
    if kept:
        detail = f"the log ends at row {seq}, but row {max(kept)} was seen before"
        return _bad(count, seq + 1, CUT, detail, seq, prev)
    return Report(True, count, None, "", {"seq": seq, "hash": prev}, closed=shut)


def _bad(count: int, first: int | None, why: str, detail: str, seq: int, prev: str) -> Report:
    return Report(False, count, first, why, {"seq": seq, "hash": prev}, detail)


def _number(row: Mapping[str, Any]) -> int:
    if not isinstance(row, Mapping):
        raise Malformed("a row is not an object")
    for key in ("seq", "prev", "hash"):
        if key not in row:
            raise Malformed(f"a row has no {key}")
    number = row["seq"]
    if type(number) is not int:  # True == 1 and 1.0 == 1, but they are other JSON
        raise Malformed("the number of a row is not an integer")
    return number


def _hash(row: Mapping[str, Any]) -> str:
    """The hash that a closed row gives for itself: the next row, or a head, has to name it too."""
    known = row["hash"]
    if not isinstance(known, str) or len(known) != 64 or not set(known) <= set("0123456789abcdef"):
        raise Malformed("the hash of a closed row is not 64 hexadecimal digits")
    return known


def _head(head: Mapping[str, Any]) -> tuple[int, str]:
    if (
        not isinstance(head, Mapping)
        or type(head.get("seq")) is not int
        or not isinstance(head.get("hash"), str)
    ):
        raise Malformed('a head is {"seq": integer, "hash": text}')
    return head["seq"], head["hash"]


def _out_of_order(
    stream: Iterator[Mapping[str, Any]], number: int, count: int, seq: int, prev: str
) -> Report:
    """Tell a row that is gone from one that only comes later, by looking through the rest."""
    wanted = seq + 1
    if number < wanted:
        return _bad(count, number, DUPLICATED, f"row {number} comes again after row {seq}", seq, prev)
    try:
        later = any(isinstance(row, Mapping) and row.get("seq") == wanted for row in stream)
    except Malformed:
        later = False
    if later:
        return _bad(count, wanted, SWAPPED, f"row {number} stands where row {wanted} belongs", seq, prev)
    missing = f"row {wanted} is" if number == wanted + 1 else f"rows {wanted} to {number - 1} are"
    return _bad(count, wanted, DROPPED, f"{missing} missing", seq, prev)


def export(
    rows: Iterable[Mapping[str, Any]],
    count: int,
    heads: Iterable[Mapping[str, Any]],
    *,
    closed: bool = False,
) -> Iterator[bytes]:
    """The lines of an export, header first. `heads` should hold the present head and all that were kept; `closed`: rows may be."""
    known = [{"seq": head["seq"], "hash": head["hash"]} for head in heads]
    yield canonical({"format": FORMAT_CLOSED if closed else FORMAT, "count": count, "heads": known}) + b"\n"
    for row in rows:
        yield canonical(row) + b"\n"


def close(row: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of a row in an export for somebody who may not know what it says."""
    return {key: row[key] for key in sorted(SHUT)}


def verify_export(file: BinaryIO, heads: Iterable[Mapping[str, Any]] = ()) -> Report:
    """Check an export against its own header and against further `heads`, for instance one from paper."""
    try:
        header = _parse(file.readline(), 1)
        form, count, listed = (header.get(key) for key in ("format", "count", "heads"))
        if form not in (FORMAT, FORMAT_CLOSED) or type(count) is not int or not isinstance(listed, list):
            raise Malformed(f"the first line is not the header of an export ({FORMAT})")
    except Malformed as error:
        return _bad(0, None, MALFORMED, str(error), 0, GENESIS)
    lines = (_parse(line, number) for number, line in enumerate(file, 2))
    report = verify(lines, [*listed, *heads], closed=form == FORMAT_CLOSED)
    if report.ok and report.count != count:
        detail = f"the header says {count} rows, there are {report.count}"
        return _bad(
            report.count, report.count + 1, MISCOUNTED, detail, report.head["seq"], report.head["hash"]
        )
    return report


def _parse(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line.decode(), object_pairs_hook=_unique, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"line {number}: {error}") from error
    if not isinstance(value, dict):
        raise Malformed(f"line {number}: not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key given twice shows one value to a reader and another to the hash: refused."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Malformed("a key is given twice")
    return value


def _constant(name: str) -> Any:
    raise Malformed(f"{name} is not JSON")


def _head_argument(text: str) -> dict[str, Any]:
    seq, _, known = text.partition(":")
    known = known.strip().lower()
    if not seq.strip().isdecimal() or len(known) != 64 or not set(known) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError("give a head as SEQ:HASH, the hash as 64 hexadecimal digits")
    return {"seq": int(seq), "hash": known}


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(prog="chain.py", description="Check an exported audit log.")
    parser.add_argument("file", metavar="FILE", help="an export (JSON lines)")
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        type=_head_argument,
        metavar="SEQ:HASH",
        help="a head kept elsewhere",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(argv)
    try:
        with Path(options.file).open("rb") as file:
            report = verify_export(file, options.head)
    except OSError as error:
        parser.error(f"{options.file}: {error.strerror}")
    if options.json:
        text = json.dumps(asdict(report), ensure_ascii=False, sort_keys=True)
    elif report.ok:
        text = f"OK: {report.count} rows, head {report.head['seq']}:{report.head['hash']}"
        zh = f"完整：{report.count} 行，逐行核对无误。"
        if report.closed:
            text += f". {report.closed} of them are closed: their links were checked, their contents were not"
            zh = f"完整：{report.count} 行，其中 {report.closed} 行内容未公开，只核对了前后衔接。"
        text += "\n" + zh
    else:
        text = f"NOT OK: {report.why}: {report.detail}. {report.count} good rows before."
        at = f"第 {report.first_bad} 行" if report.first_bad else "文件头"
        text += f"\n不完整：{WORDS[report.why]}（{at}），之前 {report.count} 行无误。"
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a console without Chinese shows the English line
    sys.stdout.write(text + "\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
