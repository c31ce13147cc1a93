"""The repository tells the same to everybody: no paths of one machine, no half-finished places."""

from __future__ import annotations

import re

from tests.rules.tree import ROOT, files, modules

FOLDERS = ("bench", "deploy", "docs", "intranet", "search", "templates", "tests", "vault", ".ci")
TEXT = (".py", ".html", ".md", ".sh", ".toml", ".txt", ".js", ".css", ".yaml", ".conf", ".service", "run")
MACHINE = re.compile(r"(?<![\w.])/(work|home/\w+|root|Users)/(?!\$)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def texts() -> list[tuple[str, str]]:
    own = [(p, t) for p, t in files(*FOLDERS, endings=TEXT) if "/vendor/" not in p and "/.cache/" not in p]
    return [*own, *((p.name, p.read_text("utf-8")) for p in ROOT.glob("*.toml"))]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:80]}"
        for path, text in texts()
        if path != "tests/rules/test_words.py"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_path_of_one_machine() -> None:
    assert lines_with(MACHINE) == []


def test_nothing_is_left_for_later() -> None:
    assert lines_with(UNFINISHED) == []


def test_every_module_says_what_it_is_for() -> None:
    empty = [
        m.path for m in modules() if m.text.strip() and not m.text.lstrip().startswith(('"""', 'r"""', "#!"))
    ]
    assert empty == []
