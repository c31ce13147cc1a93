"""A private PostgreSQL for the benchmarks, on a Unix socket and without a port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

OPTIONS = "-c listen_addresses='' -c shared_buffers=256MB -c unix_socket_directories="


def installed() -> bool:
    """Whether its programs are here."""
    return _program("initdb") is not None and _program("pg_ctl") is not None


def served(stack: ExitStack) -> Callable[[int], str]:
    """Starts a server; the address of a database for so many documents, made at first use. On the cores of the caller."""
    server = stack.enter_context(started())
    made: dict[int, str] = {}

    def address(count: int) -> str:
        if count not in made:
            name = f"bench_{count}"
            plain = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(plain, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            made[count] = make_url(server).set(database=name).render_as_string(hide_password=False)
        return made[count]

    return address


@contextmanager
def started() -> Iterator[str]:
    """The address of a fresh server, durable as an office runs it."""
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        raise SystemExit("PostgreSQL is not installed")
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        _run(initdb, "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        _run(control, "-D", data, "-w", "-t", "60", "-l", f"{folder}/log", "-o", OPTIONS + folder, "start")
        try:
            yield f"postgresql+psycopg://{user}@/postgres?host={folder}"
        finally:
            _run(control, "-D", data, "-w", "-m", "immediate", "stop")


def _program(name: str) -> str | None:
    """The program, also where Debian keeps it off the path."""
    return shutil.which(name) or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None
    )


def _run(*command: str) -> None:
    """As the user of the package where this runs as root: the server refuses that."""
    whole = ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)
    subprocess.run(whole, check=True, capture_output=True, cwd="/", timeout=120)
