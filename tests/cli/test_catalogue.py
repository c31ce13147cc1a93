"""`search` and `reindex` on the command line: what the browser would show, and an index that can be trusted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import worker
from intranet.jobs.outbox import drain
from intranet.models import Item
from intranet.verbs import entries, finding
from search import engine_whoosh
from search.engine import Busy, Unreachable
from tests.office import Office
from vault.levels import Level


@pytest.fixture
def shelf(desk: Office, house: House) -> list[Item]:
    made = [
        desk.add("resource", "officer", title="水泵操作规程", level=Level.PUBLIC),
        desk.add("document", "custodian", title="水泵抢险预案", level=Level.SECRET),
        desk.add("workorder", "warden", title="水泵房漏水"),
    ]
    drain(house, worker.QUICK)
    return made


def run(app: Flask, *words: str) -> tuple[int, Any]:
    result = app.test_cli_runner().invoke(args=list(words))
    return result.exit_code, json.loads(result.stdout) if result.stdout.startswith("{") else result.output


@pytest.mark.parametrize("login", ["cook", "custodian", "dispatcher", "admin", "temp"])
def test_exactly_what_that_person_gets_in_the_browser(
    app: Flask, house: House, desk: Office, db: Session, shelf: list[Item], login: str
) -> None:
    code, answer = run(app, "search", "水泵", "--as", login, "--json")
    found = finding.find(db, house, desk.actor(login), "水泵")
    assert code == 0
    assert answer["total"] == found.total
    assert [h["number"] for h in answer["hits"]] == [h.item.number for h in found.hits]
    assert answer["facets"] == {name: dict(values) for name, values in found.facets.items() if values}


def test_every_hit_has_the_promised_fields(app: Flask, shelf: list[Item]) -> None:
    _code, answer = run(app, "search", "抢险", "--as", "custodian", "--json")
    [hit] = answer["hits"]
    assert set(hit) == {"id", "number", "kind", "title", "level", "score", "snippet"}
    assert (hit["level"], hit["kind"], hit["title"]) == ("secret", "document", "水泵抢险预案")


def test_limit_offset_and_kind(app: Flask, shelf: list[Item]) -> None:
    _code, whole = run(app, "search", "水泵", "--as", "custodian", "--json")
    _code, second = run(app, "search", "水泵", "--as", "custodian", "--limit", "1", "--offset", "1", "--json")
    _code, kind = run(app, "search", "水泵", "--as", "custodian", "--kind", "document", "--json")
    assert second["hits"] == whole["hits"][1:2]
    assert second["total"] == whole["total"]
    assert {h["kind"] for h in kind["hits"]} == {"document"}


def test_a_search_that_shows_secrets_is_recorded_as_that_persons(
    app: Flask, desk: Office, shelf: list[Item]
) -> None:
    run(app, "search", "水泵", "--as", "custodian", "--json")
    [row] = desk.audit("search.secret")
    assert (row.actor, row.origin) == ("custodian", "console")


@pytest.mark.parametrize(
    ("words", "code"),
    [(["x", "--as", "nobody"], 1), (["x"], 2), (["x", "--as", "cook", "--kind", "nosuch"], 2), (["x", "--as", "cook", "--limit", "0"], 2)],
)  # fmt: skip
def test_exit_codes(app: Flask, words: list[str], code: int) -> None:
    assert run(app, "search", *words)[0] == code


def test_a_person_whose_account_is_closed_finds_nothing(app: Flask, desk: Office, shelf: list[Item]) -> None:
    with desk.w("cli:test") as w:
        w.session.merge(desk.person("cook")).active = False
    assert run(app, "search", "水泵", "--as", "cook", "--json")[0] == 1


def test_check_mends_what_differs_and_says_so_once(app: Flask, house: House, shelf: list[Item]) -> None:
    house.engine.write([], [shelf[0].id])
    code, report = run(app, "reindex", "--check", "--json")
    assert (code, report["missing"], report["mended"], report["ok"]) == (1, [shelf[0].id], True, False)
    code, report = run(app, "reindex", "--check", "--json")
    assert (code, report["ok"]) == (0, True)


def test_rebuild_brings_everything_back(app: Flask, house: House, shelf: list[Item]) -> None:
    house.engine.write([], [i.id for i in shelf])
    code, report = run(app, "reindex", "--json")
    assert (code, report["written"], report["left_out"]) == (0, 3, [])
    assert run(app, "search", "水泵", "--as", "custodian", "--json")[1]["total"] == 2


def test_a_rebuild_that_was_interrupted_goes_on_unless_told_to_restart(
    app: Flask, house: House, desk: Office, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_whoosh, "STEP", 2)
    real = entries._Read.entry
    last = shelf[2].id

    def entry(self: object, item: Item) -> object:
        if item.id == last:
            raise KeyboardInterrupt
        return real(self, item)  # type: ignore[arg-type]

    def interrupted() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(entries._Read, "entry", entry)
            patch.setattr(entries, "BATCH", 1)
            assert run(app, "reindex")[0] == 1

    interrupted()
    assert house.engine.building() == 2
    code, report = run(app, "reindex", "--json")
    assert (code, report["written"], report["resumed"]) == (0, 3, 2)
    interrupted()
    code, report = run(app, "reindex", "--restart", "--json")
    assert (code, report["written"], report["resumed"]) == (0, 3, 0)
    interrupted()
    assert "接着上次中断处 / went on after: 2" in run(app, "reindex")[1]
    assert run(app, "reindex", "--check", "--json")[0] == 0
    assert run(app, "reindex", "--check", "--restart")[0] == 2


def test_two_rebuilds_at_once_are_refused_in_words(
    app: Flask, house: House, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_args: object, **_more: object) -> None:
        raise Busy("rebuild.lock")

    monkeypatch.setattr(house.engine, "rebuild", busy)
    code, report = run(app, "reindex", "--json")
    assert code == 1
    assert "another process is rebuilding" in report["error"]


def test_a_server_of_the_index_that_does_not_answer_is_told_in_words(
    app: Flask, house: House, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_more: object) -> None:
        raise Unreachable("PostgreSQL: OperationalError")

    monkeypatch.setattr(house.engine, "rebuild", away)
    code, report = run(app, "reindex", "--json")
    assert code == 1
    assert "does not answer" in report["error"]


def test_what_was_mended_by_hand_is_in_the_log(
    app: Flask, house: House, desk: Office, shelf: list[Item]
) -> None:
    house.engine.write([], [shelf[0].id])
    run(app, "reindex", "--check")
    [row] = desk.audit("index.mended")
    assert (row.actor, row.outcome) == ("cli:reindex", "ok")
    assert json.loads(row.detail)["missing"] == 1


def test_what_could_not_be_indexed_is_named(
    app: Flask, house: House, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = house.policy.labels

    def labels(item: Item, *rest: Any) -> frozenset[str]:
        if item.id == shelf[2].id:
            raise ValueError("odd row")
        return real(item, *rest)

    monkeypatch.setattr(house.policy, "labels", labels)
    code, report = run(app, "reindex", "--json")
    assert code == 1
    assert report["left_out"] == [{"id": shelf[2].id, "reason": "ValueError: odd row"}]


def test_files_that_were_not_read_are_read_again_when_asked(app: Flask, desk: Office, db: Session) -> None:
    """What is unfinished is promised to the worker, which reads it as ever."""
    blob = desk.deposit("officer", b"\0\1\2", "a.bin")
    desk.add("resource", "officer", level=Level.INTERNAL, blobs=(blob,))
    worker.once(app.extensions["house"])
    assert run(app, "reindex", "--texts", "--json") == (0, {"files": 1})
    assert run(app, "reindex", "--texts", "--json") == (0, {"files": 0})
    assert [row.payload["blob"] for row in desk.outbox("extract")] == [blob]
    assert run(app, "reindex", "--texts", "--check")[0] == 2
