"""The articles of real laws and regulations as entries: enough real Chinese to judge a search by.

The texts are not in the repository. They are looked for in the folder INTRANET_TEST_SAMPLES, else in shared/samples
beside the repository: `regulations/<kind>/<name>(<date of the version>).md`. An entry is one article of the newest
version of a law, its key is "<name>/<article>", such as "劳动法/第四十四条".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from search.engine import Entry

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("INTRANET_TEST_SAMPLES") or ROOT.parent / "shared" / "samples") / "regulations"

#: Laws that another one has replaced under another name: their articles would be near copies of what is in force.
REPLACED = {
    "信访条例": "信访工作条例",
    "学位条例": "学位法",
    "档案法实施办法": "档案法实施条例",
    "环境噪声污染防治法": "噪声污染防治法",
}

_FILE = re.compile(r"(?P<name>.+)\((?P<date>\d{4}-\d\d-\d\d)\)")
_HEAD_END = "<!-- INFO END -->"
_NUMERALS = "零一二三四五六七八九十百千"
_ARTICLE = re.compile(rf"(?P<label>第[{_NUMERALS}]+条)\s(?P<text>.*)")
_ITEM = re.compile(rf"(?P<label>[{_NUMERALS}]+)、(?P<text>.*)")  # old regulations without articles


@dataclass(frozen=True, slots=True)
class Article:
    """One article. `law`: the short name of the law; `folder`: its kind, such as 行政法规; `version`: its date."""

    law: str
    label: str
    text: str
    folder: str
    version: datetime

    @property
    def key(self) -> str:
        """What judgments name it by."""
        return f"{self.law}/{self.label}"

    def entry(self, number: int) -> Entry:
        """As an engine is given it."""
        return Entry(
            id=number,
            kind="resource",
            number="",
            title=f"{self.law} {self.label}",
            text=self.text,
            level=0,
            labels=frozenset({"all"}),
            facets={"class": (self.folder,), "year": (str(self.version.year),)},
            updated=int(self.version.timestamp()) * 1_000_000,
        )


def articles(folder: Path = FOLDER) -> list[Article]:
    """Every article of the newest versions, in the order of names; empty when the texts are not at hand."""
    return [article for path in _newest(folder) for article in _split(path)]


def _newest(folder: Path) -> list[Path]:
    """One file a law. A law may also lie in two folders; the first is taken then."""
    chosen: dict[str, tuple[str, Path]] = {}
    for path in sorted(folder.glob("*/*.md")):
        named = _FILE.fullmatch(path.stem)
        if named is None or named["name"] in REPLACED:
            continue
        if named["name"] not in chosen or chosen[named["name"]][0] < named["date"]:
            chosen[named["name"]] = named["date"], path
    return [path for _, (_, path) in sorted(chosen.items())]


def _split(path: Path) -> Iterator[Article]:
    named = _FILE.fullmatch(path.stem)
    assert named is not None
    version = datetime.fromisoformat(named["date"]).replace(tzinfo=UTC)
    body = path.read_text("utf-8").partition(_HEAD_END)[2]
    pattern = _ARTICLE if re.search(rf"^{_ARTICLE.pattern}", body, re.MULTILINE) else _ITEM
    parts: dict[str, list[str]] = {}
    label = ""
    for line in filter(None, map(str.strip, body.splitlines())):
        if begins := pattern.fullmatch(line):
            label = begins["label"]
            parts.setdefault(label, []).append(begins["text"])
        elif label and not line.startswith("#"):
            parts[label].append(line)
    if not parts:
        parts["全文"] = [
            line for line in map(str.strip, body.splitlines()) if line and not line.startswith("#")
        ]
    for label, lines in parts.items():
        yield Article(named["name"], label, "\n".join(lines), path.parent.name, version)
