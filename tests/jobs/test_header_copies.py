"""What was destroyed stays dead, even with every key and every backup in hand (N17)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from intranet import work
from intranet.actor import system
from intranet.house import House
from intranet.jobs import alarm, backup
from intranet.models import Item
from intranet.verbs import backups, deposits
from tests.office import Clock, Office
from vault.levels import Level


def test_a_destroyed_header_is_nowhere_once_the_retention_has_passed(
    house: House, desk: Office, clock: Clock, tmp_path: Path
) -> None:
    if house.settings.sqlite is None:
        return
    items = [
        desk.add("document", "custodian", title=t, level=Level.SECRET,
                 blobs=(desk.deposit("custodian", t.encode() * 900, level=Level.SECRET),))
        for t in ("甲", "乙")
    ]  # fmt: skip
    backup.due(house)
    with work.begin(house, system("worker")) as w:
        dead, alive = (deposits.files(w.session, item.id)[0] for item in items)
        header, names = dead.header, (dead.name, alive.name)
        deposits.destroy(w, w.session.get_one(Item, items[0].id))
    alarm.forget_pages()
    for path in house.settings.sqlite.parent.glob(house.settings.sqlite.name + "*"):
        assert header not in path.read_bytes(), path.name

    clock.forward(days=house.settings.header_retention_days)
    assert backup.headers(house) == 1, "without any backup in between"
    snapshot = backups.repository(house.settings).list()[0]
    report = backups.restore(house, snapshot.id, tmp_path / "old", keys=None)
    assert report["opened"] and report["ok"]
    with closing(sqlite3.connect(tmp_path / "old" / "data.db")) as db:
        sealed = {r[0] for r in db.execute("SELECT name FROM blob JOIN blob_header ON blob_id = blob.id")}
    assert sealed == {names[1]}
    assert header not in (tmp_path / "old" / "data.db").read_bytes()
