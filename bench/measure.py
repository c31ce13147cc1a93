"""How the search benchmark measures: each part in a process of its own on one core, the least of some rounds for each question.

A question is `cold` when an index has just been opened and the question is asked for the first time; the kernel has the
files in memory. Percentiles run over questions, not over repetitions. Times are wall times less what the process waited for its
core while others had it, which Linux tells: what else runs on the machine is not measured.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from bench.questions import Question
from intranet import settings

_WAITED = Path("/proc/self/schedstat")


class Asker(Protocol):
    """An opened index."""

    def ask(self, kind: str, question: Question) -> int:
        """Answer as for a page: total, hits with snippets, facets. Gives how many have all words."""

    def close(self) -> None:
        """Let go of the index."""


def in_child(part: str, *arguments: object) -> dict[str, Any]:
    """What `bench.parts` answers to this, from a fresh process. Its progress and errors go to stderr."""
    command = [sys.executable, "-m", "bench.parts", part, *map(str, arguments)]
    done = subprocess.run(command, cwd=settings.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def pin() -> None:
    """From now on this process runs on one core only."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def now() -> float:
    """Seconds that run while this process runs or waits for something, but not while it waits for its core."""
    try:
        waited = int(_WAITED.read_text().split()[1])
    except (OSError, IndexError):  # a kernel that does not tell
        waited = 0
    return time.perf_counter() - waited / 1e9


def idle() -> float:
    """Seconds for which the one core of this process has had nothing to do since the machine started."""
    (core, *_) = os.sched_getaffinity(0)
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            return sum(map(int, line.split()[4:6])) / os.sysconf("SC_CLK_TCK")
    raise SystemExit("this system does not tell what its cores do")


def asked(
    opened: Callable[[], Asker], questions: dict[str, list[Question]], opens: int, rounds: int
) -> dict[str, Any]:
    """kind -> "cold" and "warm" -> milliseconds, and those of the processor, at 50 and 95 %; "open": seconds to the first answer.

    For each kind the index is opened anew `opens` times; each time all questions are asked once cold, `rounds` times warm.
    """
    result: dict[str, Any] = {}
    opening: list[float] = []
    for kind, asks in questions.items():
        cold: list[list[tuple[float, float]]] = [[] for _ in asks]
        warm: list[list[tuple[float, float]]] = [[] for _ in asks]
        totals: list[int] = []
        for _ in range(opens):
            start = now()
            asker = opened()
            asker.ask(kind, Question("档", ("档",)))
            opening.append(now() - start)
            totals = [
                _timed(asker, kind, question, times) for question, times in zip(asks, cold, strict=True)
            ]
            for _ in range(rounds):
                for question, times in zip(asks, warm, strict=True):
                    _timed(asker, kind, question, times)
            asker.close()
        result[kind] = {"cold": _figures(cold), "warm": _figures(warm), "totals": totals}
    return {"kinds": result, "open": statistics.median(opening)}


def _timed(asker: Asker, kind: str, question: Question, times: list[tuple[float, float]]) -> int:
    start, cpu = now(), time.process_time()
    total = asker.ask(kind, question)
    spent, end = time.process_time() - cpu, now()
    times.append(((end - start) * 1000, spent * 1000))
    return total


def _figures(times: list[list[tuple[float, float]]]) -> dict[str, float]:
    walls = [min(wall for wall, _ in one) for one in times]
    cpus = [min(cpu for _, cpu in one) for one in times]
    return {"p50": at(walls, 50), "p95": at(walls, 95), "cpu50": at(cpus, 50), "cpu95": at(cpus, 95)}


def at(values: Sequence[float], percent: float) -> float:
    """The least value that so many of a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def resident(peak: bool = False) -> float:
    """Resident memory of this process, in MB."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(wanted):
            return int(line.split()[1]) / 1024
    raise SystemExit("this system does not tell the memory of a process")


def on_disk(path: Path) -> float:
    """Size of a file or of all in a folder, in MB."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(p.stat().st_size for p in files) / 1e6
