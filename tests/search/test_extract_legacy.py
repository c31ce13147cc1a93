"""Old Office formats: read by the real LibreOffice, and what is done with one that hangs, fails, or does harm."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from search import extract as module
from search import extract_private
from search.extract import extract
from search.extract_ole import encrypted
from search.extract_programs import Programs
from search.extract_sandbox import able
from tests.search import files
from tests.search.files import CHINESE
from tests.search.programs import no_soffice, old, real
from tests.search.test_extract_hostile import children

OLD = files.old_word()


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place in memory of this test's own. Afterwards nothing is left in it, and no process either."""
    before = children()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        monkeypatch.setattr(extract_private, "PLACES", (place,))
        yield Path(place)
        assert [left for folder in Path(place).iterdir() for left in folder.iterdir()] == []
    assert children() <= before


@pytest.mark.parametrize(
    ("made", "name", "also"),
    [
        ("doc", "通知.doc", "页眉文字"),
        ("doc", "通知.wps", "姓名"),
        ("rtf", "通知.rtf", "姓名"),
        ("xls", "台账.xls", "台账"),
        ("xls", "台账.et", "0.5"),
        ("ppt", "课件.ppt", "备注文字"),
        ("ppt", "课件.dps", "表格单元"),
    ],
)
def test_an_old_format_is_read_like_a_new_one(made: str, name: str, also: str) -> None:
    found = extract(old(made), name, programs=real(office=True))
    assert (found.note, found.detail) == ("", "")
    assert CHINESE in found.text
    assert also in found.text


def test_old_documents_inside_an_archive_are_read_too() -> None:
    parts = {"一.doc": old("doc"), "二.doc": old("doc")[:3000], "三.txt": "里面的文字"}
    found = extract(files.zipped(parts), "a.zip", programs=real(office=True))
    assert CHINESE in found.text and "里面的文字" in found.text
    assert (found.note, found.detail) == ("parts:1:d", "二.doc: damaged")


def test_without_libreoffice_the_note_says_so() -> None:
    found = extract(files.ole("WordDocument"), "a.doc")
    assert (found.note, found.text) == ("legacy", "")
    assert extract(files.zipped({"a.doc": files.ole("WordDocument")}), "a.zip").note == "parts:1:l"


@pytest.mark.parametrize("name", ["a.doc", "a.xls", "a.ppt", "a.wps"])
def test_a_malformed_document_is_a_damaged_one(name: str) -> None:
    stream = {"a.xls": "Workbook", "a.ppt": "PowerPoint Document"}.get(name, "WordDocument")
    found = extract(files.ole(stream), name, programs=real(office=True))
    assert (found.note, found.text) == ("damaged", "")


def test_a_document_with_a_password_is_told_from_a_damaged_one() -> None:
    document = bytearray(old("doc"))
    base = document.index(struct.pack("<H", 0xA5EC))  # [MS-DOC] 2.5.2: the stream begins with this
    document[base + 11] |= 1
    assert extract(bytes(document), "a.doc", programs=real(office=True)).note == "encrypted"


@pytest.mark.parametrize("size", [100, 5000])  # in small sectors and in large ones
def test_a_password_is_seen_in_each_old_format(size: int) -> None:
    word = struct.pack("<5H", 0xA5EC, 193, 0, 0, 0) + struct.pack("<H", 0x0100)
    excel = struct.pack("<HH16x", 0x0809, 16) + struct.pack("<HH2x", 0x002F, 2)
    slides = struct.pack("<8xII", 20, 0xF3D1C4DF)
    cases = {"WordDocument": word, "Workbook": excel, "Current User": slides}
    for name, head in cases.items():
        assert encrypted(files.ole_of(name, head.ljust(size, b"\0"))), name
        assert not encrypted(files.ole_of(name, bytes(size))), name
    assert not encrypted(files.ole_of("WordDocument", word)[:700])


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """The stand-in starts a process in a group of its own and waits, as LibreOffice's launcher does."""
    started = tmp_path / "stand-in" / "started"
    programs = no_soffice(tmp_path, "set -m", f"(read x; sleep 600) < {started} &", "wait")
    os.mkfifo(started)
    writing = os.open(started, os.O_RDWR)  # so that its reading waits until it is killed
    found = extract(OLD, "a.doc", programs=programs, convert_seconds=0.5)
    assert (found.note, found.text) == ("timeout", "")
    assert readers(started) == []
    os.close(writing)


def readers(pipe: Path) -> list[str]:
    """Processes besides this one that have a file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.parent.parent.name != str(os.getpid()) and os.readlink(link) == str(pipe):
                found.append(link.parent.parent.name)
        except OSError:  # ended while we looked
            continue
    return found


def test_the_time_is_for_all_documents_of_an_archive_together(tmp_path: Path) -> None:
    programs = no_soffice(tmp_path, "exec sleep 600")
    parts = {f"{n}.doc": OLD for n in range(5)}
    found = extract(files.zipped(parts), "a.zip", programs=programs, convert_seconds=0.5)
    assert found.note == "parts:5:t"
    assert "4.doc" in found.text


@pytest.mark.parametrize(
    "lines",
    [
        ["exit 0"],
        ["kill -9 $$"],
        ["kill -9 $PPID; exec sleep 600"],  # the converting process itself is killed
        ["mkdir out; : > out/in.docx"],
        ["mkdir out; echo nonsense > out/in.docx"],
        ["mkdir out; ln -s /etc/passwd out/in.docx"],
        ["mkdir out; mkfifo out/in.docx"],
        ["mkdir -p a/b; touch a/b/c; chmod 0 a/b a ."],
    ],
)
def test_one_that_fails_leaves_a_clear_note_and_nothing_else(tmp_path: Path, lines: list[str]) -> None:
    found = extract(OLD, "a.doc", programs=no_soffice(tmp_path, *lines))
    assert (found.note, found.text) == ("damaged", "")


def test_one_that_fills_memory_says_so(tmp_path: Path) -> None:
    """A file it writes may have a quarter of the memory allowed."""
    lines = ("mkdir out", "head -c 80000000 /dev/zero > out/in.docx || exit 1")
    found = extract(OLD, "a.doc", programs=no_soffice(tmp_path, *lines), memory=256 << 20)
    assert found.note in ("damaged", "memory", "too_large")
    assert found.text == ""


def stand_in_that_copies(tmp_path: Path, source: Path) -> Programs:
    return no_soffice(tmp_path, "mkdir out", f"cat {source} > out/in.docx")


def test_it_may_read_its_own_files_and_no_others(tmp_path: Path) -> None:
    if not able().files:
        pytest.skip("this kernel has no Landlock")
    secret = tmp_path / "keys" / "a.docx"
    secret.parent.mkdir()
    secret.write_bytes(files.word("密钥"))
    assert extract(OLD, "a.doc", programs=stand_in_that_copies(tmp_path, secret)).text == ""
    own = tmp_path / "stand-in" / "a.docx"
    own.write_bytes(files.word("密钥"))
    assert "密钥" in extract(OLD, "a.doc", programs=stand_in_that_copies(tmp_path, own)).text


def test_its_environment_is_empty_and_its_home_in_memory(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:8080")
    document = tmp_path / "stand-in" / "a.docx"
    programs = no_soffice(
        tmp_path,
        '[ -z "$https_proxy$DATABASE_URL" ] || exit 1',
        f'case "$PWD $HOME $TMPDIR" in "{own}/"*" {own}/"*" {own}/"*) ;; *) exit 1 ;; esac',
        f"mkdir out; cat {document} > out/in.docx",
    )
    document.write_bytes(files.word("all is well"))
    assert extract(OLD, "a.doc", programs=programs).text.startswith("all is well")


def test_without_a_file_system_in_memory_nothing_is_written_to_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs = no_soffice(tmp_path, "exit 0")
    monkeypatch.setattr(extract_private, "PLACES", ("/proc",))
    assert extract(OLD, "a.doc", programs=programs).note == "spool"


def test_a_folder_that_others_can_enter_is_not_used(own: Path, tmp_path: Path) -> None:
    open_to_all = own / f"intranet-extract-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o755)
    programs = no_soffice(tmp_path, "exit 0")
    assert extract(OLD, "a.doc", programs=programs).note == "spool"


def test_the_folder_is_for_this_user_alone() -> None:
    with extract_private.folder() as folder:
        assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]
        extract_private.sweep()
        assert folder.is_dir()  # its owner is at work
    assert not folder.exists()


def until_unheld(folder: Path) -> None:
    """Returns when the process that owns the folder has ended: a moment after LibreOffice, which it takes with it."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.close(held)


def test_a_worker_that_is_killed_takes_libreoffice_with_it(tmp_path: Path, own: Path) -> None:
    """-9 while LibreOffice runs: it is ended, and what lay in memory goes with the next start."""
    started = tmp_path / "stand-in" / "started"
    programs = no_soffice(tmp_path, f"read x < {started}", "sleep 600")
    os.mkfifo(started)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from search import extract_private as p; p.PLACES = (sys.argv[2],)\n"
        "from search.extract import extract; from search.extract_programs import Programs\n"
        "from tests.search import files\n"
        "extract(files.old_word(), 'a.doc', programs=Programs(sys.argv[3]))"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, module._ROOT, str(own), programs.soffice])
    pipe = os.open(started, os.O_WRONLY)  # returns when the stand-in reads
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    ended = select.poll()
    ended.register(pipe, 0)
    assert ended.poll(30_000), "LibreOffice outlived the worker"
    os.close(pipe)
    for left in own.glob("*/*"):
        until_unheld(left)
    extract_private.sweep()
