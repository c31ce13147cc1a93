"""One door each: to the environment, to the transaction, to the clock, to the object store, to the index, to HTTP.

What import-linter cannot say. Every rule is a function from a module to the lines that break it, so each is shown
both on the product, where it must find nothing, and on a line that breaks it, where it must find that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatch

import pytest

from tests.rules.tree import Module, modules, parsed

Rule = Callable[[Module], Iterable[int]]


def environment(module: Module) -> Iterable[int]:
    """Reads the environment."""
    for line, name in module.names():
        if name in ("os.environ", "os.environb", "os.getenv", "os.putenv"):
            yield line
    for line, name in module.imports():
        if name in ("os.environ", "os.getenv"):
            yield line


def commit(module: Module) -> Iterable[int]:
    """Ends a transaction."""
    return (line for line, name in module.names() if name.endswith(".commit"))


def clock(module: Module) -> Iterable[int]:
    """Asks what time it is; `time.monotonic` measures how long something takes and is not meant."""
    asks = re.compile(r"\b((datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime))$")
    yield from (line for line, name in module.names() if asks.search(name))
    yield from (line for line, name in module.imports() if name in ("time.time", "time.time_ns"))


def database_clock(module: Module) -> Iterable[int]:
    """Lets the database say what time it is, which no test could set."""
    found = re.compile(r"\bfunc\.(now|current_timestamp|current_date|localtimestamp)$")
    return (line for line, name in module.names() if found.search(name))


def importing(package: str) -> Rule:
    """Imports a package."""
    return lambda module: (line for line, name in module.imports() if name.split(".")[0] == package)


def http(module: Module) -> Iterable[int]:
    """Knows of a request, a session cookie or the person signed in."""
    bad = re.compile(r"(flask\.(request|session|g|flash|redirect|abort|render_template)|flask_login\.\w+)$")
    yield from (line for line, name in module.imports() if bad.match(name))
    yield from (line for line, name in module.names() if re.fullmatch(r"flask\.(request|session|g)", name))


# rule, where it holds, where it does not and why
RULES: dict[str, tuple[Rule, str, dict[str, str]]] = {
    "environment": (
        environment,
        "*",
        {
            "intranet/settings.py": "the only reader of settings",
            "search/extract.py": "hands the path of shared libraries on to the child that reads files",
        },
    ),
    "commit": (
        commit,
        "intranet/*",
        {
            "intranet/work.py": "the unit of work",
            "intranet/migrations/*": "a migration is its own transaction",
        },
    ),
    "clock": (
        clock,
        "*",
        {
            "intranet/house.py": "makes the clock of the unit of work; tests give another",
            "vault/store_memory.py": "the date of a stored object, which other stores get from their server",
        },
    ),
    "database clock": (database_clock, "*", {}),
    "minio": (importing("minio"), "*", {"vault/store_s3.py": "the S3 store"}),
    "shamir": (importing("shamir_mnemonic"), "*", {"vault/shares.py": "keys on sheets of paper"}),
    "whoosh": (importing("whoosh"), "*", {"search/engine_whoosh*.py": "the index"}),
    "psycopg": (
        importing("psycopg"),
        "*",
        {
            "search/engine_postgres*.py": "the index of several hosts",
            "intranet/verbs/dumping.py": "a dump and its headers are of one state of the server",
        },
    ),
    "http": (
        http,
        "intranet/*",
        {
            "intranet/web/*": "the pages",
            "intranet/extensions.py": "makes the sign-in object",
        },
    ),
}

BROKEN = {
    "environment": "import os\nos.environ['X']",
    "commit": "session.commit()",
    "clock": "import datetime\ndatetime.datetime.now()",
    "database clock": "from sqlalchemy import func\nfunc.now()",
    "minio": "from minio.error import S3Error",
    "shamir": "import shamir_mnemonic",
    "whoosh": "import whoosh.index",
    "psycopg": "from psycopg import sql",
    "http": "from flask import request",
}


def excepted(path: str, exceptions: Iterable[str]) -> bool:
    return any(fnmatch(path, pattern) for pattern in exceptions)


@pytest.mark.parametrize("name", RULES)
def test_only_through_its_door(name: str) -> None:
    rule, scope, exceptions = RULES[name]
    found = [
        f"{module.path}:{line}: {rule.__doc__}"
        for module in modules()
        if fnmatch(module.path, scope) and not excepted(module.path, exceptions)
        for line in rule(module)
    ]
    assert found == []


@pytest.mark.parametrize("name", RULES)
def test_the_rule_bites(name: str) -> None:
    assert list(RULES[name][0](parsed(BROKEN[name])))


@pytest.mark.parametrize("name", RULES)
def test_every_exception_is_used(name: str) -> None:
    """An exception that nothing needs any more is an open door."""
    rule, _, exceptions = RULES[name]
    idle = [
        pattern
        for pattern in exceptions
        if any(fnmatch(module.path, pattern) for module in modules())
        and not any(fnmatch(module.path, pattern) and any(True for _ in rule(module)) for module in modules())
    ]
    assert idle == []


def test_measuring_a_duration_is_not_asking_the_time() -> None:
    assert list(clock(parsed("import time\ntime.monotonic()"))) == []
