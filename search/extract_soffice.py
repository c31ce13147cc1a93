"""The process that runs LibreOffice: one document after the other, each in a folder of its own that is removed at once.

Started by `search.extract_launch` when the reader first asks. Standard input is the line to the reader; standard
output is never written to, its other end tells that the parent lives. What a document may do here is decided in
this file: no network, no files but LibreOffice's own and this folder, limits, no macros, no links, and the end of
all processes it started when its time is over. The words of decision 025.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from search import extract_kill
from search.extract_legacy import ENDINGS, FILTERS, receive, send
from search.extract_private import remove
from search.extract_programs import prefix
from search.extract_sandbox import confine

# What LibreOffice and the shell script in front of it read, besides the folder it is installed in.
_READ = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/proc", "/sys/devices/system/cpu", "/dev/urandom"),
    *(
        "/etc/fonts",
        "/etc/group",
        "/etc/ld.so.cache",
        "/etc/libreoffice",
        "/etc/locale.alias",
        "/etc/localtime",
    ),
    *(
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/var/cache/fontconfig",
        "/var/lib/libreoffice",
        "/var/spool/libreoffice",
    ),
)
_SOCKETS = "/tmp"  # noqa: S108 - where LibreOffice insists on making the socket by which a second one would find it
_AGAIN, _STARTS = 81, 3  # EXITHELPER_NORMAL_RESTART of LibreOffice
_FILES, _CPU_SPARE = 256, 5
_SCARCE = 8 << 20  # bytes; what LibreOffice needs at the least

# org.openoffice.Office.*: macros off, nothing fetched or refreshed, no recovery copies.
_OFF = (
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Common/Security/Scripting", "DisableOLEAutomation", "true"),
    ("Common/Save/Document", "AutoSave", "false"),
    ("Common/Save/Document", "CreateBackup", "false"),
    ("Writer/Content/Update", "Link", "0"),
    ("Calc/Content/Update", "Link", "2"),
    ("Java", "Enable", "false"),
)


class Asked(NamedTuple):
    """What the parent wants: which program, in which folder, in how many seconds altogether, with how much memory."""

    soffice: str
    folder: str
    seconds: float
    memory: int


def main() -> None:
    """Answer the reader until it is gone, or nobody would hear."""
    asked = Asked(**json.loads(sys.argv[2]))
    _limit(asked)
    confine(
        (*_READ, sys.prefix, sys.base_prefix, prefix(asked.soffice)), (asked.folder, "/dev/null"), _SOCKETS
    )
    left = asked.seconds
    with socket.socket(fileno=0) as line, contextlib.suppress(OSError, EOFError, ValueError):
        while True:
            wanted, document = receive(line)
            begun = time.monotonic()
            note, made = _convert(asked, document, str(wanted["filter"]), str(wanted["to"]), left)
            left -= time.monotonic() - begun
            send(line, {"note": note}, made)


def _limit(asked: Asked) -> None:
    """A file may be a quarter of the memory, as in the reader; LibreOffice's own are smaller than its document."""
    for what, limit in (
        (resource.RLIMIT_AS, asked.memory),
        (resource.RLIMIT_CPU, int(asked.seconds) + _CPU_SPARE),
        (resource.RLIMIT_FSIZE, asked.memory // 4),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (bound, bound))


def _convert(asked: Asked, document: bytes, known: str, wanted: str, seconds: float) -> tuple[str, bytes]:
    """(note, the document in its new form); the folder is empty again afterwards."""
    if known not in FILTERS or wanted not in ENDINGS.values():  # no reader of ours asks for such
        return "damaged", b""
    if seconds <= 0:
        return "timeout", b""
    work = Path(asked.folder, "work")
    work.mkdir(mode=0o700)
    try:
        source = work / f"in.{FILTERS[known]}"
        source.write_bytes(document)
        _profile(work)
        if not _come_to_an_end(_command(asked, work, source, known, wanted), work, seconds):
            return "timeout", b""
        made = work / "out" / f"in.{wanted}"
        if made.is_symlink() or not made.is_file():
            return _failed(work), b""
        return "", made.read_bytes()
    except OSError as error:
        return ("memory" if error.errno in (errno.ENOSPC, errno.EFBIG, errno.ENOMEM) else "damaged"), b""
    except MemoryError:
        return "memory", b""
    finally:
        remove(work)


def _failed(work: Path) -> str:
    """LibreOffice says nothing of why it made nothing; a folder that is full speaks for itself."""
    free = os.statvfs(work)
    return "memory" if free.f_bavail * free.f_frsize < _SCARCE else "damaged"


def _profile(work: Path) -> None:
    """A profile of its own: nothing that one document changes is there for the next."""
    items = "".join(
        f'<item oor:path="/org.openoffice.Office.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, name, value in _OFF
    )
    space = 'xmlns:oor="http://openoffice.org/2001/registry"'
    user = work / "profile" / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<oor:items {space}>{items}</oor:items>\n', "utf-8"
    )


def _command(asked: Asked, work: Path, source: Path, known: str, wanted: str) -> list[str]:
    words = "--headless --invisible --norestore --nologo --nolockcheck --nodefault --nofirststartwizard"
    return [
        *(_program(asked.soffice), f"-env:UserInstallation={(work / 'profile').as_uri()}", *words.split()),
        *(f"--infilter={known}", "--convert-to", wanted, "--outdir", str(work / "out"), str(source)),
    ]


def _program(soffice: str) -> str:
    """The program itself: the launcher in front of it refuses to work where /proc shows processes only (systemd's ProcSubset)."""
    inner = Path(soffice).resolve().with_name("soffice.bin")
    return str(inner) if inner.exists() else soffice


def _come_to_an_end(command: list[str], work: Path, seconds: float) -> bool:
    """Whether LibreOffice is done in time. With a new profile it asks its launcher, which is us, to be started again."""
    (work / "tmp").mkdir()
    until = time.monotonic() + seconds
    for _ in range(_STARTS):
        code = _run(command, work, max(0.0, until - time.monotonic()))
        if code != _AGAIN:
            return code is not None
    return True


def _run(command: list[str], work: Path, seconds: float) -> int | None:
    """The exit code, None where the time was over. Raises EOFError where the reader or the parent is gone."""
    path = os.pathsep.join((os.path.dirname(command[0]), "/usr/local/bin", "/usr/bin", "/bin"))  # noqa: PTH120
    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=work,
        env={"PATH": path, "HOME": str(work), "TMPDIR": str(work / "tmp"), "LANG": "C.UTF-8"},
    )
    events = select.poll()
    ended = os.pidfd_open(program.pid)
    events.register(ended, select.POLLIN)
    for other_end in (0, 1):
        events.register(other_end, 0)  # only that it was closed
    try:
        happened = {fd for fd, _ in events.poll(1000 * seconds)}
    finally:
        os.close(ended)
        extract_kill.session(os.getsid(0), spare=os.getpid())
        code = program.wait()
    if happened - {ended}:
        raise EOFError
    return code if happened else None


if __name__ == "__main__":
    main()
