"""The audit chain: every way to tamper is found, and the checker runs alone (FEATURES 95, 96)."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault import chain

Row = dict[str, Any]


def log(length: int) -> list[Row]:
    rows: list[Row] = []
    for number in range(1, length + 1):
        row = {
            "at": f"2026-11-23T08:00:{number % 60:02}Z",
            "actor": "王芳",
            "action": "view",
            "outcome": "ok" if number % 3 else "refused",
            "item": number,
            "number": f"GF-2026-{number:05}",
            "level": 2,
            "unit": None,
            "detail": {"why": "查阅", "n": number},
            "origin": "127.0.0.1",
            "request": f"{number:032x}",
        }
        rows.append(chain.append(rows[-1] if rows else None, row))
    return rows


def head(row: Row) -> Row:
    return {"seq": row["seq"], "hash": row["hash"]}


def test_digest_is_sha256_of_canonical_json() -> None:
    # The literal bytes are the specification for whoever writes another checker.
    row = {"seq": 1, "actor": "王", "prev": chain.GENESIS, "hash": "ignored"}
    text = '{"actor":"王","prev":"' + "0" * 64 + '","seq":1}'
    assert chain.canonical({k: row[k] for k in ("seq", "actor", "prev")}) == text.encode()
    assert (
        chain.digest(chain.GENESIS, row) == "4b23c74fc158b5c5ad6ad1b2bb6caa9a59ffe376861453f1d5c78c4f99288448"
    )


def test_whole_log_is_good() -> None:
    rows = log(50)
    report = chain.verify(rows, [head(rows[9]), head(rows[49])])
    assert report == chain.Report(True, 50, None, "", head(rows[49]))


def test_empty_log_is_good_until_a_head_was_kept() -> None:
    assert chain.verify([]).ok
    report = chain.verify([], [{"seq": 3, "hash": "a" * 64}])
    assert (report.ok, report.why, report.first_bad) == (False, chain.CUT, 1)


COLUMNS = [
    "seq",
    "at",
    "actor",
    "action",
    "outcome",
    "item",
    "number",
    "level",
    "unit",
    "detail",
    "origin",
    "request",
    "prev",
    "hash",
]


@pytest.mark.parametrize("column", COLUMNS)
def test_change_of_any_column_is_found(column: str) -> None:
    rows = log(5)
    rows[2] = {**rows[2], column: "x"}
    report = chain.verify(rows)
    assert not report.ok
    assert (report.first_bad, report.count) == (3, 2)


def test_added_and_removed_column_is_found() -> None:
    rows = log(3)
    assert chain.verify([rows[0], {**rows[1], "note": 1}, rows[2]]).why == chain.CHANGED
    assert (
        chain.verify([rows[0], {k: v for k, v in rows[1].items() if k != "unit"}, rows[2]]).why
        == chain.CHANGED
    )
    assert chain.verify([rows[0], {k: v for k, v in rows[1].items() if k != "hash"}]).why == chain.MALFORMED


def test_true_is_not_one() -> None:
    rows = log(1)
    assert chain.verify([{**rows[0], "seq": True}]).why == chain.MALFORMED


@pytest.mark.parametrize(
    ("order", "why", "first"),
    [
        ([1, 2, 4, 5], chain.DROPPED, 3),
        ([2, 3, 4, 5], chain.DROPPED, 1),
        ([1, 3, 2, 4, 5], chain.SWAPPED, 2),
        ([5, 4, 3, 2, 1], chain.SWAPPED, 1),
        ([1, 2, 2, 3, 4, 5], chain.DUPLICATED, 2),
        ([1, 2, 3, 4, 5, 1], chain.DUPLICATED, 1),
    ],
)
def test_order(order: list[int], why: str, first: int) -> None:
    rows = log(5)
    report = chain.verify([rows[number - 1] for number in order])
    assert (report.ok, report.why, report.first_bad) == (False, why, first)


def test_inserted_row_with_a_right_hash_is_found() -> None:
    rows = log(5)
    forged = chain.append(
        rows[1], {k: v for k, v in rows[2].items() if k not in ("seq", "prev", "hash")} | {"item": 9}
    )
    report = chain.verify([*rows[:2], forged, *rows[2:]])
    assert (report.why, report.first_bad) == (chain.DUPLICATED, 3)
    report = chain.verify([*rows[:2], forged, *rows[3:]])
    assert (report.why, report.first_bad) == (chain.UNLINKED, 4)


def test_cut_tail_is_found_only_by_a_kept_head() -> None:
    rows = log(5)
    assert chain.verify(rows[:3]).ok
    report = chain.verify(rows[:3], [head(rows[4])])
    assert (report.why, report.first_bad, report.head) == (chain.CUT, 4, head(rows[2]))


def test_log_rewritten_from_a_row_on_is_found_by_a_kept_head() -> None:
    rows = log(6)
    forged = rows[:2]
    for row in rows[2:]:
        plain = {k: v for k, v in row.items() if k not in ("seq", "prev", "hash")}
        forged.append(chain.append(forged[-1], {**plain, "actor": "somebody else"}))
    assert chain.verify(forged).ok
    report = chain.verify(forged, [head(rows[3])])
    assert (report.why, report.first_bad) == (chain.REWRITTEN, 4)


def test_heads_that_contradict_each_other() -> None:
    rows = log(2)
    report = chain.verify(rows, [head(rows[1]), {"seq": 2, "hash": "f" * 64}])
    assert report.why == chain.REWRITTEN


def test_goes_on_after_a_verified_head() -> None:
    rows = log(9)
    assert chain.verify(rows[4:], [head(rows[2]), head(rows[8])], after=head(rows[3])).count == 5
    assert chain.verify(rows[5:], after=head(rows[3])).why == chain.DROPPED
    assert chain.verify(rows[4:], after={"seq": 4, "hash": "e" * 64}).why == chain.UNLINKED


@settings(deadline=None)  # a busy machine is no fault of the chain
@given(st.data())
def test_any_other_sequence_of_rows_is_refused(data: st.DataObject) -> None:
    rows = log(6)
    kept = [head(rows[-1])]
    picked = data.draw(st.lists(st.integers(0, 5), max_size=8))
    assert chain.verify([rows[i] for i in picked], kept).ok == (picked == [0, 1, 2, 3, 4, 5])


@settings(deadline=None)  # a busy machine is no fault of the chain
@given(st.data())
def test_any_flipped_byte_of_an_export_is_found(data: st.DataObject) -> None:
    rows = log(4)
    good = b"".join(chain.export(rows, 4, [head(rows[3])]))
    at = data.draw(st.integers(0, len(good) - 2))  # the last line end carries nothing
    bad = bytearray(good)
    bad[at] ^= 1 << data.draw(st.integers(0, 7))
    assert not chain.verify_export(io.BytesIO(bytes(bad))).ok


def write(path: Path, rows: list[Row], heads: list[Row] | None = None) -> Path:
    path.write_bytes(b"".join(chain.export(rows, len(rows), heads or [])))
    return path


def alone(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    copy = shutil.copy(chain.__file__, tmp_path / "chain.py")
    command = [
        sys.executable,
        "-I",
        "-S",
        str(copy),
        *arguments,
    ]  # -I -S: no site packages, not even our folder
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


def test_script_runs_alone(tmp_path: Path) -> None:
    rows = log(20)
    good = write(tmp_path / "good.jsonl", rows, [head(rows[19])])
    done = alone(tmp_path, str(good))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"20 rows, head 20:{rows[19]['hash']}" in done.stdout

    cut = write(tmp_path / "cut.jsonl", rows[:10])
    assert alone(tmp_path, str(cut)).returncode == 0
    done = alone(tmp_path, str(cut), "--head", f"20:{rows[19]['hash'].upper()}", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert (report["why"], report["first_bad"], report["count"]) == ("cut", 11, 10)


def test_script_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], [str(tmp_path / "none")], ["x", "--head", "1:zz"], [str(tmp_path)]):
        with pytest.raises(SystemExit) as stop:
            chain.main(arguments)
        assert stop.value.code == 2
    assert "SEQ:HASH" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"[]\n",
        b'{"format":"audit-chain/3","count":0,"heads":[]}\n',
        b'{"format":"audit-chain/1","count":0,"heads":[1]}\n',
        b'{"format":"audit-chain/1","count":1,"heads":[]}\n',
        b'{"format":"audit-chain/1","count":1,"heads":[]}\n\xff\n',
        b'{"format":"audit-chain/1","count":1,"heads":[]}\n{"seq":NaN}\n',
        b'{"format":"audit-chain/1","count":1,"heads":[]}\n' + b"[" * 100_000 + b"\n",
        b'{"format":"audit-chain/1","count":1,"heads":[]}\n{"seq":1,"prev":"0","hash":"0","detail":"\\ud800"}\n',
    ],
)
def test_nonsense_is_a_problem_and_no_traceback(
    tmp_path: Path, text: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(text)
    assert chain.main([str(file)]) == 1
    assert capsys.readouterr().out.startswith("NOT OK: ")


def test_key_given_twice_is_refused() -> None:
    rows = log(1)
    header, line = chain.export(rows, 1, [])
    twice = line.replace(b'{"action"', b'{"actor":"nobody","action"')
    assert chain.verify_export(io.BytesIO(header + line)).ok
    assert chain.verify_export(io.BytesIO(header + twice)).why == chain.MALFORMED


# -- one export of a thousand rows, by a third party with one file ------------------------------------------------------
@pytest.fixture(scope="module")
def thousand() -> list[bytes]:
    """The lines of an export: the header, then rows 1 to 1000."""
    rows = log(1000)
    return list(chain.export(rows, 1000, [head(rows[499]), head(rows[999])]))


def forged(lines: list[bytes], number: int, **changed: Any) -> bytes:
    """Row `number` with other contents and a hash that is right for them."""
    row = json.loads(lines[number]) | changed
    return chain.canonical({**row, "hash": chain.digest(row["prev"], row)}) + b"\n"


def more(lines: list[bytes]) -> bytes:
    """A row that continues the log as if it had been written."""
    last = json.loads(lines[-1])
    plain = {k: v for k, v in last.items() if k not in ("seq", "prev", "hash")}
    return chain.canonical(chain.append(last, plain)) + b"\n"


def header(lines: list[bytes], **changed: Any) -> bytes:
    return chain.canonical(json.loads(lines[0]) | changed) + b"\n"


TAMPERED: dict[str, tuple[Any, str, int | None]] = {
    "whole": (lambda x: x, "", None),
    "a word changed": (lambda x: [*x[:300], x[300].replace("王芳".encode(), "李芳".encode()), *x[301:]], chain.CHANGED, 300),
    "a row replaced, its hash right": (lambda x: [*x[:300], forged(x, 300, actor="李芳"), *x[301:]], chain.UNLINKED, 301),
    "the last row replaced, its hash right": (lambda x: [*x[:1000], forged(x, 1000, actor="李芳")], chain.REWRITTEN, 1000),
    "a row dropped": (lambda x: [*x[:300], *x[301:]], chain.DROPPED, 300),
    "a hundred rows dropped": (lambda x: [*x[:300], *x[400:]], chain.DROPPED, 300),
    "the first row dropped": (lambda x: [x[0], *x[2:]], chain.DROPPED, 1),
    "two rows swapped": (lambda x: [*x[:300], x[301], x[300], *x[302:]], chain.SWAPPED, 300),
    "the tail cut": (lambda x: x[:901], chain.CUT, 901),
    "the tail cut and the header fitted": (lambda x: [header(x, count=900, heads=json.loads(x[0])["heads"][:1]), *x[1:901]], "", None),
    "all rows cut": (lambda x: x[:1], chain.CUT, 1),
    "a row twice": (lambda x: [*x[:301], x[300], *x[301:]], chain.DUPLICATED, 300),
    "a forged row appended": (lambda x: [*x, more(x)], chain.MISCOUNTED, 1002),
    "a head of the header edited": (lambda x: [header(x, heads=[{"seq": 500, "hash": "0" * 64}]), *x[1:]], chain.REWRITTEN, 500),
    "the header gone": (lambda x: x[1:], chain.MALFORMED, None),
    "the count edited": (lambda x: [header(x, count=999), *x[1:]], chain.MISCOUNTED, 1001),
    "an empty file": (lambda x: [], chain.MALFORMED, None),
    "a row made closed": (lambda x: [*x[:300], chain.canonical(chain.close(json.loads(x[300]))) + b"\n", *x[301:]], chain.CHANGED, 300),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_a_third_party_finds_it_with_one_file(tmp_path: Path, thousand: list[bytes], name: str) -> None:
    tamper, why, first = TAMPERED[name]
    (tmp_path / "export.jsonl").write_bytes(b"".join(tamper(list(thousand))))
    said = alone(tmp_path, str(tmp_path / "export.jsonl"))
    done = alone(tmp_path, str(tmp_path / "export.jsonl"), "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["why"], report["first_bad"]) == (int(bool(why)), why, first)
    assert said.returncode == done.returncode
    assert said.stdout.startswith("NOT OK: " if why else "OK: ")
    assert ("不完整：" + chain.WORDS[why] if why else "完整：") in said.stdout


def test_what_the_header_was_fitted_to_is_found_by_a_head_on_paper(
    tmp_path: Path, thousand: list[bytes]
) -> None:
    """Who may write the file writes its header too: against that stands the printed head, nothing else."""
    last = json.loads(thousand[1000])
    lines = TAMPERED["the tail cut and the header fitted"][0](list(thousand))
    (tmp_path / "export.jsonl").write_bytes(b"".join(lines))
    done = alone(tmp_path, str(tmp_path / "export.jsonl"), "--head", f"1000:{last['hash']}")
    assert done.returncode == 1 and "cut" in done.stdout and "末尾被截去" in done.stdout


def test_every_fault_has_its_word() -> None:
    codes = {
        v
        for k, v in vars(chain).items()
        if k.isupper() and isinstance(v, str) and v.islower() and v.isalpha()
    }
    assert set(chain.WORDS) == codes


# -- closed rows: the links are checked, the report says how many -------------------------------------------------------
def partly(rows: list[Row], shut: set[int]) -> list[bytes]:
    told = [chain.close(r) if r["seq"] in shut else r for r in rows]
    return list(chain.export(told, len(rows), [head(rows[-1])], closed=True))


def test_closed_rows_are_counted_and_hold_nothing() -> None:
    rows = log(20)
    lines = partly(rows, {3, 7, 20})
    assert [json.loads(x).keys() for x in (lines[3], lines[7], lines[20])] == [chain.SHUT] * 3
    report = chain.verify_export(io.BytesIO(b"".join(lines)))
    assert (report.ok, report.count, report.closed) == (True, 20, 3)


@pytest.mark.parametrize("shut", [{3}, {3, 4}, set(range(1, 21))])
def test_a_closed_row_cannot_hide_a_change(shut: set[int]) -> None:
    rows = log(20)
    for at in (3, 4):
        lines = partly(rows, shut)
        row = json.loads(lines[at])
        lines[at] = chain.canonical(row | {"hash": "e" * 64}) + b"\n"
        assert not chain.verify_export(io.BytesIO(b"".join(lines))).ok
        lines[at] = chain.canonical(row | {"hash": 7}) + b"\n"
        assert not chain.verify_export(io.BytesIO(b"".join(lines))).ok


def test_the_log_itself_has_no_closed_rows() -> None:
    rows = log(5)
    assert chain.verify([*rows[:2], chain.close(rows[2]), *rows[3:]]).why == chain.CHANGED


def test_script_says_how_many_rows_are_closed(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b"".join(partly(log(20), {3, 7})))
    done = alone(tmp_path, str(tmp_path / "x.jsonl"))
    assert done.returncode == 0
    assert "2 of them are closed" in done.stdout and "其中 2 行内容未公开" in done.stdout
