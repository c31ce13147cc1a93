"""A reader who looks everywhere: every address of the map filled with what was planted, every link and form from there on.

Each answer is searched in body and headers, in every form in which a word may be written: UTF-8, UTF-16, GBK, percent-encoded,
JSON, HTML entities, base64, and inside the members of a workbook.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from intranet import models
from intranet.extensions import db
from tests.web.planting import MARK_LA, MARK_ZH, Plant

HTMX = {"HX-Request": "true"}
LIVE = {"HX-Request": "true", "HX-Target": "div#live"}
TYPING = {"HX-Request": "true", "HX-Target": "div#results"}
LINK = re.compile(r'(?:href|src|action|hx-get)="(/[^"#]*)')
#: A parameter whose value makes another page of the same address.
TELLING = {"tab", "as", "what"}
EACH = 2  # pages of one address that are no page of a planted item
SEEN, TABBED = 2, 6  # of the items that a reader sees: how many each other page, and all tabs, are asked of
#: What would end the session, or change who may what; asked elsewhere (tests/rules/test_routes.py).
LEFT_OUT = {
    "static",
    "session.sign_out",
    "session.sign_out_everywhere",
    "people.password",
    "people.switch",
    "people.standing",
}
TABS = (
    "",
    "tab=history",
    "tab=comments",
    "tab=loans",
    "tab=links",
    "tab=access",
    "tab=log",
    "tab=copies",
    "tab=slips",
    "tab=inspections",
    "tab=inside",
)


def forms(word: str) -> set[bytes]:
    """Every way in which a word may stand in an answer."""
    found: set[bytes] = set()
    for charset in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        raw = word.encode(charset)
        found.add(raw)
        for before in range(3):  # what stays the same of its base64 wherever it begins
            text = base64.b64encode(bytes(before) + raw)
            found.add(text[-(-before * 4 // 3) : len(text) - 4])
    found |= {json.dumps(word)[1:-1].encode(), quote(word).encode(), quote(word).lower().encode()}
    found |= {
        "".join(f"&#{ord(c)};" for c in word).encode(),
        "".join(f"&#x{ord(c):x};" for c in word).encode(),
    }
    return found


MARKS = forms(MARK_ZH) | forms(MARK_LA) | forms(MARK_LA.upper())


def parts(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is packed in them."""
    yield data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield name.encode() + b"\n" + packed.read(name)


@dataclass
class Needles:
    """The words that must not be met. `find` gives the plants of which a half stands in an answer; `typed`: what was asked."""

    plants: Iterable[Plant]
    numbers: dict[str, Plant | None] = field(default_factory=dict)
    _forms: dict[str, list[tuple[bytes, Plant]]] = field(init=False)

    def __post_init__(self) -> None:
        self._forms = {}
        for p in self.plants:
            for word in (p.zh, p.la):
                self._forms[word] = [(f, p) for f in forms(word)]

    def find(self, data: bytes, typed: str = "") -> list[str]:
        found = []
        for part in parts(data):
            if any(mark in part for mark in MARKS):
                for word, ways in self._forms.items():
                    if word not in typed and any(way in part for way, _p in ways):
                        found.append(f"{ways[0][1].name} ({word})")
            found += [f"number {n}" for n in self.numbers if n not in typed and n.encode() in part]
        return sorted(set(found))


@dataclass
class Crawler:
    """One reader's way through the site. `hidden`: numbers of planted items this reader may not know of."""

    app: Flask
    browser: FlaskClient
    needles: Needles
    seen_items: list[str]
    hidden_items: list[str]
    values: dict[str, list[str]]
    asked: int = 0
    told: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    last: int = 0
    _turn: int = 0
    _known: set[object] = field(default_factory=set)
    _pages: dict[object, int] = field(default_factory=dict)

    def run(self, *, follow: bool = True) -> None:
        """The map first, then (`follow`) whatever the pages lead to."""
        queue = deque(self.addresses())
        while queue:
            path = queue.popleft()
            pattern = self._pattern(path)
            endpoint = pattern[0] if pattern[1] == "other" else pattern
            if pattern in self._known or self._pages.get(endpoint, 0) >= EACH:
                continue
            self._known.add(pattern)
            self._pages[endpoint] = self._pages.get(endpoint, 0) + 1
            text, fragments = self.ask(path)
            if follow:
                queue.extend(html.unescape(x) for x in LINK.findall(text) if not x.startswith("/static/"))
            if fragments and follow:
                self.ask(path, HTMX)

    def ask(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET", typed: str = ""
    ) -> tuple[str, bool]:
        """The page, and whether htmx gets another one. What must not stand there is noted in `told`."""
        answer = self.browser.open(path, method=method, headers=headers or {})
        self.asked += 1
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        data = answer.data
        answer.close()
        head = "\n".join(f"{k}: {v}" for k, v in answer.headers.items()).encode("utf-8", "surrogateescape")
        if answer.status_code >= 500:
            self.told.append(f"{method} {path}: {answer.status_code}")
        for found in self.needles.find(head + b"\n" + data, typed + path):
            self.told.append(f"{method} {path} {headers or ''}: {answer.status_code} shows {found}")
        self.last = answer.status_code
        fragments = answer.status_code == 200 and "HX-Request" in answer.vary
        return (data.decode("utf-8", "replace") if answer.mimetype == "text/html" else ""), fragments

    def addresses(self) -> Iterator[str]:
        """Every GET of the map, filled. Of what hangs on an item: with each planted one, and with one that is not there."""
        for rule in self.app.url_map.iter_rules():
            if rule.endpoint in LEFT_OUT or "GET" not in (rule.methods or ()):
                continue
            yield from self.filled(rule.rule)

    def filled(self, rule: str) -> Iterator[str]:
        rule = re.sub(r"<any\(([^,)]*)[^>]*>", r"\1", rule)
        names = re.findall(r"<(?:[^<>:]+:)?(\w+)>", rule)
        if "number" in names:
            # The page of each item; every other page of some of them, who have their turn one after the other.
            page = rule.endswith("/i/<number>")
            seen = self.seen_items if page else self._turned(self.seen_items, SEEN)
            hidden = self.hidden_items if page else self._turned(self.hidden_items, 1)
            tabbed = self._turned(self.seen_items, TABBED)
            for number in (*seen, *hidden, "BG-M-2026-9999"):
                path = self._fill(rule, {"number": number})
                yield path
                if page and number in tabbed:
                    yield from (f"{path}?{tab}" for tab in TABS)
            return
        varied = next((n for n in names if len(self.values.get(n, ())) > 1), None)
        for value in self.values.get(varied or "", [""]):
            yield self._fill(rule, {varied: value} if varied else {})

    def _turned(self, items: list[str], count: int) -> list[str]:
        """So many items from where the last turn ended, so that all had their turn when the map is through."""
        self._turn += count
        return [items[(self._turn + n) % len(items)] for n in range(min(count, len(items)))]

    def _fill(self, rule: str, given: dict[str, str]) -> str:
        return re.sub(
            r"<(?:[^<>:]+:)?(\w+)>", lambda m: given.get(m[1]) or self.values.get(m[1], ["1"])[0], rule
        )

    def posts(self) -> Iterator[str]:
        """Every POST of the map on what this reader may not know of: nothing can happen, and nothing may be told."""
        for rule in self.app.url_map.iter_rules():
            if rule.endpoint not in LEFT_OUT and "POST" in (rule.methods or ()) and "<number>" in rule.rule:
                for number in self._turned(self.hidden_items, 1):
                    yield self._fill(re.sub(r"<any\(([^,)]*)[^>]*>", r"\1", rule.rule), {"number": number})

    def _pattern(self, path: str) -> tuple[object, ...]:
        """What a page is for the crawl: its endpoint, the planted item in it, and the parameters that make it another."""
        split = urlsplit(path)
        try:
            endpoint, given = self._adapter.match(split.path, method="GET")
        except HTTPException:
            return path.partition("?")[0], "other"
        ours = {
            str(v) for k, v in given.items() if str(v) in self.numbers or str(v) in self.values.get(k, ())
        }
        query = frozenset((k, v if k in TELLING else "") for k, v in parse_qsl(split.query))
        return endpoint, frozenset(ours) if ours else "other", query

    @property
    def numbers(self) -> set[str]:
        return {*self.seen_items, *self.hidden_items, "BG-M-2026-9999"}

    @property
    def _adapter(self) -> MapAdapter:
        return self.app.url_map.bind("localhost")

    def search(self, plants: Iterable[Plant]) -> None:
        """Ask for one half of a word that is not this reader's to know: the other half must not come back."""
        for p in plants:
            query = quote(p.la)
            for headers in (LIVE, {}) if p.name.endswith("title") else (TYPING,):
                self.ask(f"/search?q={query}", headers, typed=p.la)
        self.ask(f"/search?q={MARK_LA}&as=csv", typed=MARK_LA)
        for path in (
            f"/items/{k}/{end}"
            for k in self.values["kind"]
            for end in ("?q=", "export?as=csv&q=", "export?as=xlsx&q=")
        ):
            self.ask(path + MARK_LA)

    def errors(self) -> None:
        """Pages of errors: no such address, another method, a part of a file that is not there."""
        for number in self.hidden_items[:2]:
            for method in ("PUT", "DELETE", "HEAD", "OPTIONS"):
                self.ask(f"/i/{number}", method=method)
        for blob in self.values["blob_id"]:
            self.ask(f"/f/{blob}/x", {"Range": "bytes=0-3"})
            self.ask(f"/f/{blob}/x?download", method="HEAD")
        self.ask("/nothing/of/the/kind")


def values_of() -> dict[str, list[str]]:
    """For every argument of an address but `number`: the ids of the rows that the planters made, or one that exists."""

    def ids(model: object, column: str = "id") -> list[str]:
        return [
            str(x)
            for x in db.session.scalars(
                select(getattr(model, column)).order_by(getattr(model, column).desc()).limit(12)
            )
        ]

    return {
        "blob_id": ids(models.Blob), "loan_id": ids(models.Loan), "search_id": ids(models.SavedSearch),
        "grant_id": ids(models.Grant)[:1], "slip_id": ids(models.Slip), "copy_id": ids(models.Copy), "approval_id": ids(models.Approval),
        "inspection_id": ids(models.Inspection), "hold_id": ids(models.Hold), "reading_id": ids(models.Reading),
        "check_id": ids(models.ShelfCheck), "list_id": ids(models.DisposalList), "place_id": ids(models.Place)[:3],
        "hop_id": ids(models.Hop), "person_id": ids(models.Person)[:1], "filename": ["x"], "version": ["1"], "name": ["propose_destroy"],
        "kind": ["document", "resource", "notice", "complaint", "workorder"], "step": ["return"], "row": ["1"], "page": ["1"],
    }  # fmt: skip
