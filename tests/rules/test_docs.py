"""The documents agree with the program: settings and their defaults, links, the tests they name."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from intranet.settings import ROOT, Settings

DOCS = sorted((ROOT / "docs").rglob("*.md"))
GUIDE = ROOT / "docs" / "operator-guide.zh.md"
SETTING = re.compile(r"^\| `([A-Z0-9_]+)` \| `([^`]*)` \|", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
TEST = re.compile(r"`(?:tests/)?(\w+/test_\w+\.py)`")
NAMED = re.compile(TEST.pattern + r" ?[(（]([a-z0-9_, 、]+)[)）]")


def _default(value: object) -> str:
    """As the guide writes it."""
    if isinstance(value, bool):
        return str(int(value))
    return "instance" if isinstance(value, Path) else str(value) or "—"


def test_the_guide_tells_every_setting_with_its_default() -> None:
    told = dict(SETTING.findall(GUIDE.read_text("utf-8").partition("## 5.")[0]))
    assert told == {f.name.upper(): _default(f.default) for f in fields(Settings)}


@pytest.mark.parametrize("page", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_document_leads_to_what_there_is(page: Path) -> None:
    text = page.read_text("utf-8")
    inside = [link for link in LINK.findall(text) if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []
    assert [test for test in TEST.findall(text) if not (ROOT / "tests" / test).exists()] == []
    for test, words in NAMED.findall(text):
        names = re.split(r"[,、] ?", words)
        source = (ROOT / "tests" / test).read_text("utf-8")
        assert [name for name in names if not re.search(rf"def test_\w*{name}", source)] == [], test
