"""`worker`: what outlives a request. Runs until told to stop; `--once` does what is due and ends."""

from __future__ import annotations

import json
import logging
import signal
import sys
from datetime import UTC, datetime
from threading import Event
from typing import Any

import click
from flask import Flask, current_app

from ..house import house
from ..jobs import worker as jobs
from .common import as_json, out, problem, reports

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One line a record: time, level, event, and what was given beside it."""

    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        row |= {k: v for k, v in record.__dict__.items() if k not in _PLAIN}
        if record.exc_info:
            row["error"] = self.formatException(record.exc_info)
        return json.dumps(row, ensure_ascii=False, default=str)


def bind(app: Flask) -> None:
    app.cli.add_command(worker)


def _log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("intranet")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


@click.command()
@click.option("--once", is_flag=True, help="做完到期的事即退出 / do what is due, then exit")
@as_json
@reports
def worker(once: bool, as_json: bool) -> None:
    """Carry out what was promised: index, texts of files, reminders, expiry, sweeps, backups."""
    _log()
    if once:
        done = jobs.once(house())
        failed = {name[:-1]: n for name, n in done.items() if name.endswith("!")}
        report = {"done": {k: v for k, v in done.items() if not k.endswith("!")}, "failed": failed}
        if failed:
            problem(f"失败 / failed: {failed}", report, as_json)
        out(
            report,
            as_json,
            [f"{name}: {n}" for name, n in report["done"].items()] or "没有待办 / nothing was due",
        )
        return
    stop = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_seen: stop.set())
    jobs.forever(current_app._get_current_object(), house(), stop)  # type: ignore[attr-defined]
