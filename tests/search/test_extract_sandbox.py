"""What a process that reads files can still do once it is confined: tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from search import extract as module
from search.extract_sandbox import able

pytestmark = pytest.mark.skipif(
    not all(able()), reason="this kernel has no Landlock, or the machine is of a rare kind"
)

BEGIN = "import sys, os, socket, ctypes; sys.path.insert(0, sys.argv[1])\n"


def tried(code: str, *words: object) -> str:
    """What the code says; each line of it that fails says the name of its error."""
    lines = "".join(
        f"try: print({line})\nexcept OSError as error: print(type(error).__name__)\n"
        for line in code.splitlines()
    )
    begin = (
        BEGIN
        + "from search import extract_sandbox as s\nprint(*s.confine(eval(sys.argv[2]), eval(sys.argv[3]), sys.argv[4]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", begin + lines, module._ROOT, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout or done.stderr


def test_no_socket_of_any_kind_can_be_made() -> None:
    families = ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK")
    code = "\n".join(f"socket.socket(socket.{family})" for family in families)
    assert tried(code, ["/usr"], [], "").split() == ["True", "True", *["PermissionError"] * 4]


def test_sockets_of_this_machine_are_left_where_they_are_named(tmp_path: Path) -> None:
    code = (
        "socket.socket(socket.AF_INET)\n"
        f"socket.socket(socket.AF_UNIX).bind({str(tmp_path / 'a')!r})\n"
        f"socket.socket(socket.AF_UNIX).bind({str(tmp_path.parent / 'a')!r})\n"
        f"open({str(tmp_path / 'b')!r}, 'w').close()"
    )
    said = tried(code, ["/usr"], [], tmp_path).split()
    assert said == ["True", "True", "PermissionError", "None", "PermissionError", "PermissionError"]


def test_the_other_way_to_a_socket_is_shut_too() -> None:
    """io_uring opens sockets without the system call."""
    assert tried("ctypes.CDLL(None).syscall(425, 1, bytes(120))", ["/usr"], [], "").split()[2] == "-1"


def test_only_what_is_named_can_be_read_and_written(tmp_path: Path) -> None:
    names = {name: tmp_path / name for name in ("read", "write", "none")}
    for folder in names.values():
        folder.mkdir()
        (folder / "file").write_text("text", "utf-8")
    code = (
        f"open({str(names['read'] / 'file')!r}).read()\n"
        f"open({str(names['read'] / 'file')!r}, 'w').close()\n"
        f"open({str(names['write'] / 'new')!r}, 'w').close()\n"
        f"open({str(names['write'] / 'file')!r}).read()\n"
        f"open({str(names['none'] / 'file')!r}).read()\n"
        f"os.listdir({str(names['none'])!r})\n"
        f"os.unlink({str(names['none'] / 'file')!r})\n"
        f"os.mkdir({str(names['none'] / 'new')!r})\n"
        "open('/etc/hostname').read()\n"
        "os.open(f'/proc/{os.getppid()}/mem', os.O_RDONLY)"
    )
    said = tried(code, [str(names["read"]), str(tmp_path / "missing")], [str(names["write"])], "").split()
    assert said == ["True", "True", "text", "PermissionError", "None", "text", *["PermissionError"] * 6]


def test_what_it_starts_is_confined_as_well(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key", "utf-8")
    code = f"os.system('cat {secret} 2>/dev/null') != 0"
    assert tried(code, ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"], ["/dev/null"], "").split()[
        2:
    ] == ["True"]


def test_the_reader_of_files_cannot_read_keys_or_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader taken over by a file: the code stands where it would read the file."""
    key = tmp_path / "internal.key"
    key.write_text("AGE-SECRET-KEY-1", "utf-8")
    evil = (
        "import sys, json, os; sys.path.insert(0, sys.argv[1])\n"
        "from search import extract_child\n"
        "def taken_over(asked):\n"
        "    said = ''\n"
        f"    for name in ({str(key)!r}, sys.argv[1] + '/pyproject.toml', '/proc/%d/environ' % os.getppid()):\n"
        "        try: said += open(name).read()\n"
        "        except OSError: said += 'refused '\n"
        "    head = {'note': '', 'mime': 'text/plain', 'detail': '', 'size': len(said)}\n"
        "    return json.dumps(head).encode() + b'\\n' + said.encode()\n"
        "extract_child._answer = taken_over; extract_child.main()"
    )
    monkeypatch.setattr(module, "_BOOT", evil)
    assert module.extract(b"x", "a.txt").text.split() == ["refused"] * 3
