"""What every command shares: one JSON document on request, exit codes 0 1 2, progress on a terminal only."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import click

from ..actor import Actor, system
from ..errors import DomainError

F = TypeVar("F", bound=Callable[..., Any])


def as_json(command: F) -> F:
    """Adds `--json`; the function gets `as_json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="一个 JSON 文档 / one JSON document on stdout"
    )(command)


def yes(command: F) -> F:
    """Adds `--yes` for what destroys or overwrites."""
    return click.option("--yes", is_flag=True, help="不再询问 / do not ask")(command)


def operator(name: str) -> Actor:
    """The command line acts as the product itself, on the server, by whoever may log in there."""
    return system(f"cli:{name}", "console")


def out(data: Any, as_json: bool, text: str | Iterable[str] = "") -> None:
    """Print the result: JSON whole, or lines for people."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, default=str))
        return
    for line in [text] if isinstance(text, str) else text:
        if line:
            click.echo(line)


def problem(message: str, data: Any = None, as_json: bool = False) -> NoReturn:
    """Say what is wrong and exit 1."""
    if as_json:
        click.echo(
            json.dumps(data if data is not None else {"error": message}, ensure_ascii=False, default=str)
        )
    else:
        click.echo(message, err=True)
    raise SystemExit(1)


def reports(command: F) -> F:
    """Domain errors of a command become exit code 1 with their message."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except DomainError as error:
            problem(str(error), {"error": str(error)}, bool(kwargs.get("as_json")))

    return run  # type: ignore[return-value]


@contextmanager
def progress_bar(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """A function that is told how many more are done; they show as a bar on stderr when it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _n: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


def progress(items: Iterable[Any], length: int, label: str) -> Iterator[Any]:
    """The items, with a bar on stderr when it is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    with click.progressbar(items, length=length, label=label, file=sys.stderr) as bar:
        yield from bar
