"""What only the file store promises: crash safety, the sweep, the shape of its folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vault.store import Corrupt, Unavailable
from vault.store_fs import FileStore
from vault.stores import open_store

WRITER = """
import sys
from pathlib import Path
from vault.store_fs import FileStore

def source():
    yield bytes(3_000_000)
    print("half", flush=True)
    sys.stdin.read()
    yield b"rest"

FileStore(Path(sys.argv[1])).put("abcdef", source())
"""


def files(folder: Path) -> list[Path]:
    """Everything that is a file below the folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_killed_writer_leaves_no_object(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half\n"
        assert store.clear_partials(0) == 0, "the sweep must not touch a living writer"
        writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    assert list(store.list()) == []
    assert len(files(tmp_path)) == 1
    assert store.clear_partials(3600) == 0, "too young to be sure"
    assert store.clear_partials(0) == 1
    assert files(tmp_path) == []
    assert store.put("abcdef", [b"again"]) == 5


def test_an_object_in_the_making_is_not_listed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)

    def source() -> Iterator[bytes]:
        yield b"half"
        assert list(store.list()) == []
        assert len(files(tmp_path)) == 1
        yield b"rest"

    assert store.put("abcdef", source()) == 8
    assert [path.name for path in files(tmp_path)] == ["abcdef"]


def test_folders_fan_out_and_are_private(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "blobs")
    store.put("abcdef", [b"x"])
    path = tmp_path / "blobs" / "_ab" / "_cd" / "abcdef"
    assert path.read_bytes() == b"x"
    assert [part.stat().st_mode & 0o777 for part in (path, *list(path.parents)[:3])] == [0o600, *[0o700] * 3]


def test_names_never_meet_as_file_and_folder(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    names = {"abcdef", "abcdef/x", "ab", "ab/cd", "ab/cd/abcdef", "a/b", "a"}
    for name in names:
        store.put(name, [name.encode()])
    assert {stat.name for stat in store.list()} == names
    assert all(b"".join(store.get(name)) == name.encode() for name in names)


def test_a_reader_keeps_what_it_opened(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put("abcdef", [bytes(3 << 20)])
    pieces = store.get("abcdef")
    store.delete("abcdef")
    assert sum(map(len, pieces)) == 3 << 20


def test_an_object_cut_while_it_is_read_is_corrupt(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put("abcdef", [bytes(3 << 20)])
    pieces = store.get("abcdef")
    os.truncate(tmp_path / "_ab" / "_cd" / "abcdef", 10)
    with pytest.raises(Corrupt):
        list(pieces)


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = FileStore(tmp_path / "file" / "blobs")
    for call in (store.check, lambda: store.put("abcdef", [b"x"]), lambda: store.clear_partials(0)):
        with pytest.raises(Unavailable):
            call()


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 100:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Unavailable, match="No space"):
        store.put("abcdef", [b"small", bytes(1000)])
    assert files(tmp_path) == []


def test_addresses_name_a_folder(tmp_path: Path) -> None:
    for url, folder in [("file:blobs", tmp_path / "blobs"), (f"file:{tmp_path}/b", tmp_path / "b")]:
        store = open_store(url, tmp_path)
        assert isinstance(store, FileStore)
        assert store.folder == folder


@pytest.mark.parametrize(
    "url", ["", "file:", "file:/", "blobs", "ftp://x", "s3://host/bucket", "s3://k:s@h/"]
)
def test_other_addresses_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="store"):
        open_store(url, tmp_path)
