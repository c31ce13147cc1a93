"""A private PostgreSQL for the benchmarks, the one of the tests: on a Unix socket without a port, gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack

import psycopg
from sqlalchemy import make_url

from bench import measure
from tests import postgres


def installed() -> bool:
    """Whether its programs are here."""
    return postgres.program("initdb") is not None and postgres.program("postgres") is not None


def served(stack: ExitStack) -> Callable[[int], str]:
    """Starts a server on the one core that is measured; the address of a database for so many documents, made at first use."""
    cores = os.sched_getaffinity(0)
    measure.pin()
    server = stack.enter_context(postgres.started()).url
    os.sched_setaffinity(0, cores)
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
