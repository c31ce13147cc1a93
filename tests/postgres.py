"""A PostgreSQL server for the tests, started on a Unix socket without a port and gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest


@dataclass(frozen=True)
class Server:
    """`url`: the address of its database "postgres", as the application takes it."""

    url: str
    _control: list[str]
    _options: str

    def stop(self) -> None:
        """As in a power cut: nobody is asked."""
        run([*self._control, "-m", "immediate", "stop"], check=False)

    def start(self) -> None:
        folder = Path(self._control[self._control.index("-D") + 1]).parent
        run([*self._control, "-l", f"{folder}/log", "-o", self._options, "start"])


def program(name: str) -> str | None:
    """The program, also where Debian keeps it off the path."""
    found = shutil.which(name)
    if found is None:
        found = next((str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    return found


def run(command: list[str], *, check: bool = True) -> None:
    """The server refuses to run as root: then as the user that its package made."""
    whole = ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command
    subprocess.run(whole, check=check, capture_output=True, cwd="/", timeout=120)


def missing(why: str) -> NoReturn:
    """Skip the test, or fail it where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def started() -> Iterator[Server]:
    """A fresh server. Skips where PostgreSQL is not installed."""
    initdb, postgres = program("initdb"), program("postgres")
    if initdb is None or postgres is None:
        missing("PostgreSQL is not installed (initdb and postgres are looked for)")
    if os.geteuid() == 0 and (shutil.which("runuser") is None or not _known("postgres")):
        missing("PostgreSQL does not run as root, and there is no user postgres")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        data, user = f"{folder}/data", "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        run([initdb, "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        control = [str(Path(initdb).with_name("pg_ctl")), "-D", data, "-w", "-t", "60"]
        if not Path(control[0]).exists():
            control[0] = program("pg_ctl") or "pg_ctl"
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        server = Server(f"postgresql+psycopg://{user}@/postgres?host={folder}", control, options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
