"""Files made to harm: bombs, nonsense, slowness, greed. None may raise, none may leave a process behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import search.extract as module
from search import extract_notes
from search.extract import ExtractorBroken, extract
from search.extract_clock import Clock
from search.extract_read import Means, read
from tests.search import files


def children(parent: int = 0) -> set[str]:
    """Processes whose parent is this one, or another, zombies too."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # ended while we looked
            continue
        if fields[1] == str(parent or os.getpid()):
            found.add(stat.parent.name)
    return found


@pytest.fixture(autouse=True)
def _no_child_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def test_a_zip_bomb_is_not_unpacked() -> None:
    found = extract(files.zip_bomb(), "a.docx", memory=1 << 28)
    assert (found.note, found.text) == ("too_large", "")


def test_entries_that_share_their_bytes_are_refused() -> None:
    data = files.zipped({"a.txt": b"x" * 5000, "b.txt": b"y" * 5000}, zipfile.ZIP_STORED)
    # The second directory record now points to the entry of the first, and claims the size of both.
    record = data.rindex(b"PK\x01\x02")
    size = (9000).to_bytes(4, "little")
    overlapping = data[: record + 20] + size + size + data[record + 28 :]
    assert extract(overlapping, "a.zip").detail == "entries of the ZIP overlap"


@pytest.mark.parametrize("kind", ["docx", "xlsx", "pptx", "odt", "ofd"])
def test_entities_are_not_expanded(kind: str) -> None:
    found = extract(files.entity_bomb(kind), f"a.{kind}")
    # The title of an OFD stands in another part, and is read.
    assert (found.note, found.detail) == ("damaged+" if kind == "ofd" else "damaged", "XML declares entities")
    assert "哈" not in found.text


def test_a_sheet_that_claims_to_be_endless_is_read_by_its_cells() -> None:
    data = files.changed(
        files.sheet(),
        {
            "xl/worksheets/sheet1.xml": '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            '<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>42</v></c></row>'
            '<row r="90000"><c r="B90000"><v>43</v></c></row></sheetData></worksheet>'
        },
    )
    assert extract(data, "a.xlsx").text == "台账\n42\n43"


def test_a_long_sheet_stops_at_the_limit() -> None:
    found = extract(files.sheet("行", rows=5000), "a.xlsx", max_chars=1000)
    assert found.note == "truncated"
    assert 950 < len(found.text) <= 1000


def test_a_sheet_of_a_million_rows_is_read_as_far_as_may_be() -> None:
    """Within the characters kept, or within the time: what was read is kept, and the note says which it was."""
    data = files.long_sheet(1_048_576)
    found = extract(data, "a.xlsx", max_chars=20_000)
    assert (found.note, len(found.text)) == ("truncated", 20_000)
    slow = extract(data, "a.xlsx", seconds=4, max_chars=100_000_000)
    assert slow.note == "timeout+"
    assert slow.text.startswith("台账\n巡检第1号\t7919\n巡检第2号\t15838")


def test_a_reader_that_takes_too_long_is_stopped() -> None:
    """One in the middle of a library, which does not look at the clock."""
    found = extract(files.long_word(60_000), "a.docx", seconds=0.05)
    assert (found.note, found.text) == ("timeout", "")


@pytest.mark.parametrize("megabytes", [64, 96])  # one ends inside libxml2, one in Python
def test_a_reader_that_wants_too_much_memory_is_stopped(megabytes: int) -> None:
    found = extract(files.long_word(60_000), "a.docx", memory=megabytes << 20)
    assert (found.note, found.text) == ("memory", "")


def test_a_file_larger_than_the_memory_allows_is_not_sent_to_its_end() -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 1 << 30:
            sent += 1 << 20
            yield b"x" * (1 << 20)

    found = extract(endless(), "a.txt", memory=64 << 20)
    assert (found.note, found.detail) == ("too_large", f"more than {16 << 20} bytes")
    assert sent < 64 << 20


def test_random_bytes_never_break_a_reader() -> None:
    chance = random.Random(20)
    whole = [
        files.pdf(),
        files.word(),
        files.sheet(),
        files.slides(),
        files.odf(),
        files.ofd(),
        files.mail(),
        files.page(),
    ]
    heads = [
        b"",
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        files.ole("WordDocument")[:600],
        b"<html>",
        b"Received: x\n",
        b"\xff\xfe",
    ]
    strings = [chance.choice(heads) + chance.randbytes(chance.randrange(400)) for _ in range(180)]
    for _ in range(120):
        spoilt = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 12)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        strings.append(bytes(spoilt))
    for start in range(0, 300, 150):  # an archive of 150: as many files for one child
        parts = {f"{number}.dat": data for number, data in enumerate(strings[start : start + 150])}
        found = extract(files.zipped(parts), "a.zip")
        assert all(fact.code in ("truncated", "parts", "scan") for fact in extract_notes.facts(found.note)), (
            found
        )
        assert f"{min(149, len(parts) - 1)}.dat" in found.text


def test_reading_in_process_turns_every_fault_into_a_known_note(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(b"\x00" * 9, "a", 10, Means(Clock(9))).note == "unsupported"

    def faulty(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("search.extract_text.read_plain", faulty)
    assert read(b"text", "a.txt", 10, Means(Clock(9)))[:2] == ("", "damaged")


def test_the_source_of_the_bytes_may_fail_and_is_heard() -> None:
    def broken() -> Iterator[bytes]:
        yield b"begun"
        raise PermissionError("seal broken")

    with pytest.raises(PermissionError, match="seal broken"):
        extract(broken(), "a.txt")


def test_the_child_learns_neither_name_nor_secrets_from_what_others_can_see(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: dict[str, Any] = {}
    start = subprocess.Popen

    def spy(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        seen.update(options, command=command, listing=os.listdir(options["cwd"]))
        return start(command, **options)

    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setattr(module.subprocess, "Popen", spy)
    extract(b"x", "绝密名单.txt")
    assert "绝密名单" not in " ".join(seen["command"])
    assert set(seen["env"]) <= {"LANG", "LD_LIBRARY_PATH", "OMP_THREAD_LIMIT"}
    assert seen["listing"] == [] and not os.path.exists(seen["cwd"])
    assert "-I" in seen["command"]


def test_under_its_limits_the_child_can_write_no_file(tmp_path: Path) -> None:
    target = tmp_path / "clear"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from search.extract_child import _limit; _limit(5, 1 << 28)\n"
        "open(sys.argv[2], 'wb', buffering=0).write(b'secret')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, module._ROOT, str(target)], capture_output=True, check=False
    )
    assert b"File too large" in done.stderr
    assert target.read_bytes() == b""


def test_a_child_whose_parent_is_gone_ends_itself() -> None:
    asked = {"filename": "a.docx", "seconds": -1.9, "memory": 1 << 30, "max_chars": 9_000_000}
    asked |= {"ocr": None, "read": [], "convert": {"why": "legacy", "seconds": 0}}
    data = json.dumps(asked).encode() + b"\n" + files.long_word(60_000)
    command = [sys.executable, "-I", "-B", "-c", module._BOOT, module._ROOT]
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=30)
    assert done.returncode == -signal.SIGALRM


def test_what_a_child_says_is_made_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    said = json.dumps({"note": "", "mime": "a/b\n", "detail": "x\x1b[2J", "size": 3})
    boot = f"import sys; sys.stdin.buffer.read(); print(); print({said!r}); print('a\\0b', end='')"
    monkeypatch.setattr(module, "_BOOT", boot)
    assert extract(b"x", "a.txt") == ("ab", "", "a/b", "x[2J")


def test_a_broken_installation_is_not_blamed_on_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BOOT", "raise SystemExit(1)")
    with pytest.raises(ExtractorBroken, match="exit 1"):
        extract(b"x", "a.txt")


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("", "damaged"),
        ("print('not json')", "damaged"),
        ('print(\'{"note":"","mime":"","detail":"","size":9}\\nshort\')', "damaged"),
        ('print(\'{"note":"<script>","mime":"","detail":"","size":0}\')', "damaged"),
        ("print('x' * 200000)", "damaged"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "damaged"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "timeout"),
        ("import os; os._exit(3)", "memory"),
        ("import os, time; os.close(1); os.fork(); time.sleep(60)", "memory"),
        ("import time; time.sleep(60)", "timeout"),
    ],
)
def test_a_child_taken_over_by_a_file_is_not_believed(
    code: str, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = f"import sys; sys.stdin.buffer.read(); print(flush=True); {code}"
    monkeypatch.setattr(module, "_BOOT", boot)
    found = extract(b"x", "a.txt", seconds=1, max_chars=100)
    assert (found.text, found.note) == ("", note)
