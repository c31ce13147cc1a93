"""Search: what a question costs, cold and warm, beside SQLite FTS5 with the same tokens, and how cost grows with the office.

Chinese documents of 783 characters (`bench.corpus`), of which the reader may see 44 %; ten hits with snippets, the total and the
eight facets of the application; each part in a process of its own on one core. Times are those of `bench.measure`, processor times
stand beside; both are percentiles over questions of the least over rounds. A limit that is missed fails the benchmark.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench import contenders, office, peer, questions
from bench.contenders import AT, ENGINES, Contender
from bench.measure import in_child

OPENS = 2
GROWTH = ("one word", "2-4 words", "phrase", "live page")
NOISE = 0.95  # of one thread's rate that four may fall to before it is called a loss
RISING = frozenset(
    {"rebuild", "threads"}
)  # figures that must reach their limit; the others must not exceed it
WHAT = {
    "one word": "one word, p95 ms",
    "2-4 words, cold": "2-4 words, cold, p95 ms", "2-4 words, warm": "2-4 words, warm, p95 ms", "phrase": "phrase, p95 ms",
    "worker": "worker process, MB", "rebuild": "rebuild, documents/s", "change": "40 changes findable, s",
    "threads": "four threads against one",
}  # fmt: skip


@dataclass
class Run:
    """What was found out about one engine, by the number of documents; `threads` and `change` at `AT` only."""

    made: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: dict[int, dict[str, Any]] = field(default_factory=dict)
    memory: dict[int, dict[str, Any]] = field(default_factory=dict)
    threads: dict[str, dict[str, Any]] = field(default_factory=dict)
    change: dict[str, Any] = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        """What has a limit."""
        kinds = self.asked[AT]["kinds"]
        return {
            "one word": max(kinds["one word"][how]["p95"] for how in ("cold", "warm")),
            "2-4 words, cold": kinds["2-4 words"]["cold"]["p95"],
            "2-4 words, warm": kinds["2-4 words"]["warm"]["p95"],
            "phrase": max(kinds["phrase"][how]["p95"] for how in ("cold", "warm")),
            "worker": self.memory[AT]["asked"],
            "rebuild": self.made[AT]["rate"],
            "change": self.change["many found"],
            "threads": self.threads["one"]["ratio"],
        }


def main(sizes: Collection[int] = ()) -> int:
    """Print the tables; 1 when a limit is missed. `sizes`: `AT` and these only, for whoever is in a hurry."""
    questions.questions()
    beside = _peer()
    failed = []
    for contender in ENGINES:
        if not contender.there:
            continue
        with ExitStack() as stack:
            run = _run(contender, stack, {AT, *sizes} if sizes else set(contender.sizes))
        _print_questions(contender.name, run.asked[AT]["kinds"], beside)
        _print_parts(run, beside)
        if len(run.made) > 1:
            _print_growth(run)
        failed += _judged(contender, run)
    return 1 if failed else 0


def _run(contender: Contender, stack: ExitStack, sizes: set[int]) -> Run:
    run = Run()
    name = contender.name
    home = contender.home(stack) if contender.home else None
    for count in sorted(sizes.intersection(contender.sizes)):
        if home is None:
            place, run.made[count] = contenders.ready(
                name,
                count,
                contenders.sources(name),
                partial(_build, "build", name, count),
            )
            address = str(place)
        else:
            address = home(count)
            run.made[count] = _build("build", name, count, address)
        _say(f"{name}, {count:,}: asking")
        kinds = () if count == AT else GROWTH
        run.asked[count] = in_child("ask", name, address, OPENS if count == AT else 1, *kinds)
        run.memory[count] = in_child("memory", name, address)
        if count == AT:
            for cores in ("one", "all"):
                run.threads[cores] = in_child("threads", name, address, cores)
            run.change = in_child("change", name, address)
    return run


def _build(part: str, name: str, count: int, address: str | Path) -> dict[str, Any]:
    _say(f"{name}, {count:,}: indexing")
    return in_child(part, name, address, count) | {"on": time.strftime("%F")}


def _peer() -> dict[str, Any]:
    """What the peer was measured to be: with facets, and "bare": hits and their number alone."""
    sources = [office.ROOT / "search" / "analysis.py", Path(peer.__file__)]
    place, made = contenders.ready("fts5", AT, sources, partial(_build, "build-peer", "fts5", AT))
    _say("fts5: asking")
    return {"made": made, **{how: in_child("ask-peer", place, 1, how)["kinds"] for how in ("facets", "bare")}}


def _print_questions(name: str, kinds: dict[str, Any], beside: dict[str, Any]) -> None:
    """All kinds of questions; where the peer can be asked, its warm times and how many times ours they are, warm and cold;
    "bare": its times without facets; "same": how often both find as many."""
    heads = ("", "cold", "", "", "warm", "", "", "FTS5", "", "ratio", "", "cold", "bare", "same")
    _row(f"{name}, {AT:,} documents", *heads)
    _row("ms", "asked", *("p50", "p95", "p95 CPU") * 2, "p50", "p95", "p50", "p95", "p95", "p95", "totals")
    for kind, found in kinds.items():
        cold, warm, asked = found["cold"], found["warm"], len(found["totals"])
        cells: list[float | str] = [
            str(asked),
            *(how[f] for how in (cold, warm) for f in ("p50", "p95", "cpu95")),
        ]
        if kind in beside["facets"]:
            other, bare = beside["facets"][kind], beside["bare"][kind]["warm"]["p95"]
            same = sum(a == b for a, b in zip(found["totals"], other["totals"], strict=True))
            cells += [other["warm"]["p50"], other["warm"]["p95"]]
            cells += [_times(other["warm"][f] / warm[f]) for f in ("p50", "p95")]
            cells += [_times(other["cold"]["p95"] / cold["p95"]), bare, f"{same}/{asked}"]
        _row(kind, *cells)
    print()


def _print_parts(run: Run, beside: dict[str, Any]) -> None:
    made, memory, change = run.made[AT], run.memory[AT], run.change
    print(f"   open, to the first answer: {run.asked[AT]['open']:.2f} s")
    print(
        f"   rebuild ({made['on']}): {made['rate']:.0f} documents/s, {made['cpu_rate']:.0f} by processor time,"
        f" at most {made['peak']:.0f} MB; FTS5 {beside['made']['rate']:.0f}"
    )
    print(
        f"   memory, MB: the application {memory['empty']:.0f}, with the index {memory['opened']:.0f},"
        f" after all questions twice {memory['asked']:.0f}"
    )
    for name in ("many", "one"):
        print(
            f"   {'40 items' if name == 'many' else 'one item'} saved: written {change[f'{name} write']:.3f} s,"
            f" found {change[f'{name} found']:.3f} s, CPU {change[f'{name} cpu']:.3f} s;"
            f" the first search of another process {change[f'{name} other'] * 1000:.0f} ms"
        )
    print(
        f"   worst of the saves of 40: {change['many worst']:.3f} s; a new question after a save, p95: {change['after']:.1f} ms"
    )
    for cores, part in run.threads.items():
        print(
            f"   {'one core' if cores == 'one' else 'all cores'}: one thread {part['one']:.0f} questions/s, four {part['four']:.0f} ({part['ratio']:.2f});"
            f" CPU of a question {part['cpu one']:.2f} -> {part['cpu four']:.2f} ms"
        )
    print()


def _print_growth(run: Run) -> None:
    _row("growth", *(part for count in run.made for part in (f"{count:,}", "")), "ratio")
    _row("p95 ms", *("cold", "warm") * len(run.made), *("cold", "warm"))
    few, many = min(run.made), max(run.made)
    for kind in GROWTH:
        times = {
            count: [run.asked[count]["kinds"][kind][how]["p95"] for how in ("cold", "warm")]
            for count in run.made
        }
        ratios = [_times(b / a) for a, b in zip(times[few], times[many], strict=True)]
        _row(kind, *(ms for both in times.values() for ms in both), *ratios)
    _row("open, s", *(cell for count in run.made for cell in (run.asked[count]["open"], "")))
    for title, key in (
        ("rebuild, documents/s", "rate"),
        ("rebuild, MB at most", "peak"),
        ("on disk, MB", "disk"),
    ):
        _row(title, *(cell for made in run.made.values() for cell in (f"{made.get(key, 0):.0f}", "")))
    _row("worker, MB", *(cell for memory in run.memory.values() for cell in (f"{memory['asked']:.0f}", "")))
    print()


def _judged(contender: Contender, run: Run) -> list[str]:
    """The limits of the issue, the figure of each, and whether it holds; names of those that do not."""
    figures = run.figures()
    missed = []
    _row(f"{contender.name}: limits", "limit", "figure", "holds")
    for name, limit in contender.limits.items():
        figure = figures[name]
        least = limit * NOISE if name == "threads" else limit
        holds = figure >= least if name in RISING else figure <= limit
        _row(
            WHAT[name],
            f"{limit:g}",
            f"{figure:.2f}" if limit < 2 else f"{figure:.0f}" if limit > 200 else figure,
            "yes" if holds else "no",
        )
        if not holds:
            missed.append(name)
    print()
    return missed


def _times(ratio: float) -> str:
    return f"{ratio:.1f}x"


def _row(name: str, *cells: float | str) -> None:
    print(f"   {name:<25}" + "".join(f"{c:>8.1f}" if isinstance(c, float) else f"{c:>8}" for c in cells))


def _say(what: str) -> None:
    print(f"   … {what}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]]))
