"""INTRANET_SEARCH=postgres: the same finding on PostgreSQL, from several hosts at once, with no index folder on any of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from intranet import demo
from intranet.extensions import db as database
from intranet.jobs import index, worker
from intranet.jobs.outbox import drain
from intranet.settings import SettingsError, load
from intranet.verbs import dumping, finding
from search.engine_postgres import PostgresEngine
from tests import databases, office
from tests.postgres import Server
from vault.keyring import Keyring
from vault.levels import Level

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def hosts(
    postgres: Server, tmp_path_factory: pytest.TempPathFactory, keyring: Keyring
) -> Iterator[tuple[office.Office, office.Office, Path]]:
    """Two applications over one database; the first has a worker."""
    folder = tmp_path_factory.mktemp("hosts")
    for name in ("one", "two"):
        (folder / name).mkdir()
    with databases.empty(folder, postgres.url) as url:
        one = office.build(folder / "one", url, keyring=keyring, search="postgres")
        two = office.build(folder / "two", url, keyring=keyring, search="postgres")
        with office.running(two):
            pass
        with office.running(one):
            office.migrate()
            demo.settle(one.extensions["house"])
            yield (
                office.Office(one, one.extensions["house"]),
                office.Office(two, two.extensions["house"]),
                folder,
            )
        for app in (one, two):
            app.extensions["house"].engine.close()


def test_what_one_host_saves_the_other_finds_for_whom_it_is(
    hosts: tuple[office.Office, office.Office, Path],
) -> None:
    here, there, folder = hosts
    here.add("resource", "officer", title="锅炉操作规程", level=Level.PUBLIC)
    here.add("document", "custodian", title="锅炉应急预案", level=Level.SECRET, unit="WX")
    drain(here.house, worker.QUICK)
    session = database.session()
    session.rollback()
    for house in (here.house, there.house):
        assert finding.find(session, house, here.actor("cook"), "锅炉").total == 1
        assert finding.find(session, house, here.actor("custodian"), "锅炉").total == 2
        assert [h.item.title for h in finding.live(session, house, here.actor("cook"), "glcz").hits] == [
            "锅炉操作规程"
        ]
    assert not (folder / "one" / "index").exists()


def test_index_and_database_agree_and_a_rebuild_keeps_them_so(
    hosts: tuple[office.Office, office.Office, Path],
) -> None:
    here, there, _folder = hosts
    here.add("resource", "officer", title="配电室值班表", level=Level.PUBLIC)
    drain(here.house, worker.QUICK)
    assert index.compare(here.house).same
    before = there.house.engine.count()
    index.rebuild(here.house)
    assert there.house.engine.count() == before > 0
    assert index.compare(there.house).same


def test_a_dump_holds_nothing_of_the_index(hosts: tuple[office.Office, office.Office, Path]) -> None:
    here, _there, _folder = hosts
    with dumping.dumped(here.house.settings) as dumped:
        command = ["pg_restore", "--list", str(dumped.path)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert " TABLE DATA public item " in listed
    assert " search " not in listed


def test_a_search_that_the_server_does_not_answer_is_a_503(
    hosts: tuple[office.Office, office.Office, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _there, folder = hosts
    away = PostgresEngine(f"postgresql+psycopg://nobody@/postgres?host={folder}")
    monkeypatch.setattr(here.house, "engine", away)
    page = here.client("cook").get("/search?q=锅炉")
    assert page.status_code == 503
    assert "锅炉操作规程" not in page.get_data(as_text=True)
    assert here.client("").get("/readyz").json["index"] is False


def test_the_engine_of_several_hosts_needs_their_database(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SEARCH: postgres keeps its index"):
        load({"data": tmp_path, "search": "postgres", "testing": True}, {})
