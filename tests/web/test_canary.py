"""Nothing in clear at rest: a canary is planted through every route, then every file of the office is searched for it."""

from __future__ import annotations

import http.client
import io
import logging
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from intranet.extensions import db
from intranet.house import House
from intranet.jobs import worker
from intranet.models import Blob, Item
from intranet.verbs.deposits import bind
from search.engine import Entry
from tests import databases
from tests.canary import Canary, Disk, office_on_disk, places, spools
from tests.office import DEFAULTS, Office
from tests.server import carried, serving
from vault.keyring import Keyring
from vault.levels import Level

pytestmark = [
    pytest.mark.skipif(bool(databases.SERVER), reason="searches the files of a database"),
    pytest.mark.xdist_group("canary"),
]

NOWHERE: frozenset[str] = frozenset()
DATABASE = frozenset({"database"})
CLEAR = frozenset({"database", "index"})

#: What was planted -> where it must stand (the search works), and it stands nowhere else. The text of a body reaches the
#: database and the index as `search_body_level` says (here 内部); titles and registers as decision 023 says.
TABLE: dict[str, frozenset[str]] = {
    "body of a 公开 file": CLEAR,
    "body of a large 内部 file": CLEAR,
    "body of an imported 内部 file": CLEAR,
    "text field of a 内部 item": CLEAR,
    "text field after an edit": CLEAR,
    "comment": DATABASE,
    "body of a 秘密 file": NOWHERE,
    "body of a large 秘密 file": NOWHERE,
    "body of a 机密 file": NOWHERE,
    "body of a 秘密 file added by an edit": NOWHERE,
    "body of an imported 秘密 file": NOWHERE,
    "body of a refused upload": NOWHERE,
    "body of an upload that was cut": NOWHERE,
    "title of a 秘密 item": CLEAR,
    "name of a 秘密 file": DATABASE,
    "register field of a 秘密 item": DATABASE,
    "search": NOWHERE,
    "search while typing": NOWHERE,
    "search under the box": NOWHERE,
    "search by one cleared for 机密": NOWHERE,
    "search among 秘密": DATABASE,
    "filter of a list": NOWHERE,
    "filter of an export": DATABASE,
    "export of a search": NOWHERE,
    "saved search": DATABASE,
}
CANARIES = {name: Canary(name) for name in TABLE}
LARGE = 1_300_000


@dataclass
class Planted:
    """The disk after everything was done, and what the server held in nameless files while an upload was coming."""

    disk: Disk
    contents: dict[str, list[bytes]]
    spooled: list[bytes]
    deposited: list[bytes]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, settled: str, keyring: Keyring) -> Iterator[Planted]:
    folder = tmp_path_factory.mktemp("canary")
    disk = Disk(folder)
    with office_on_disk(folder, settled, keyring) as app:
        desk = Office(app, app.extensions["house"])
        Gardener(app, desk, tmp_path_factory.mktemp("outside")).plant()
        spooled = list(upload_cut(disk, desk))
        worker.once(desk.house)
        Gardener(app, desk, folder).look_for()
        worker.once(desk.house)
        db.session.rollback()
        contents = disk.contents()
        yield Planted(disk, contents, spooled, list(deposited(desk.house)))


def deposited(house: House) -> Iterator[bytes]:
    """The plain bytes of every file in the store."""
    for blob in db.session.scalars(select(Blob).where(Blob.state == "stored")):
        yield b"".join(house.vault.open(blob.name, blob.header, bind(blob), blob.size))


class Gardener:
    """Plants each canary the way a person would."""

    def __init__(self, app: Flask, desk: Office, outside: Path) -> None:
        self.app, self.desk, self.outside = app, desk, outside

    def browser(self, login: str) -> FlaskClient:
        return self.desk.client(login, fresh=True)

    def add(self, login: str, kind: str, level: str, files: dict[str, bytes], **more: Any) -> str:
        """A new item by the form; its number."""
        desk = self.desk
        data = {
            "title": "例行记录",
            "unit": str(desk.person(login).unit_id),
            "level": level,
            "declared": "none",
        }
        data |= DEFAULTS[kind] | more
        if kind == "document":
            data["place"] = str(desk.place({"secret": "BMS-1"}.get(level, "BMS-1")))
        data["files"] = [attached(body, name) for name, body in files.items()]  # type: ignore[assignment]
        answer = send(self.browser(login), f"/items/{kind}/new", data)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def edit(self, login: str, number: str, **more: Any) -> None:
        db.session.rollback()
        item = db.session.scalars(select(Item).where(Item.number == number)).one()
        data = {"title": item.title, "version": str(item.version), "reason": "补充", "declared": "none"}
        data |= item.data | more
        answer = send(self.browser(login), f"/i/{number}/edit", data)
        assert answer.status_code == 303, answer.text

    def plant(self) -> None:
        body = {name: f"前文 {canary} 后文\n".encode() for name, canary in CANARIES.items()}
        large = {name: text * (LARGE // len(text)) for name, text in body.items()}
        words = {name: str(canary) for name, canary in CANARIES.items()}

        self.add("officer", "resource", "public", {"甲.txt": body["body of a 公开 file"]})
        number = self.add(
            "officer", "resource", "internal", {"乙.txt": large["body of a large 内部 file"]},
            body=words["text field of a 内部 item"],
        )  # fmt: skip
        self.edit("officer", number, keywords=words["text field after an edit"])
        comment = self.browser("officer").post(f"/i/{number}/comment", data={"body": words["comment"]})
        assert comment.status_code == 303

        secret = self.add(
            "custodian", "document", "confidential",
            {
                f"{words['name of a 秘密 file']}.txt": body["body of a 秘密 file"],
                "丙.txt": large["body of a large 秘密 file"],
            },
            title=words["title of a 秘密 item"], summary=words["register field of a 秘密 item"],
        )  # fmt: skip
        self.edit(
            "custodian", secret,
            files=[attached(large["body of a 秘密 file added by an edit"], "丁.txt")],
        )  # fmt: skip
        self.add("custodian", "document", "secret", {"戊.txt": body["body of a 机密 file"]})
        refused = send(
            self.browser("custodian"),
            "/items/document/new",
            {
                "title": "", "level": "confidential", "declared": "none", "unit": str(self.desk.person("custodian").unit_id),
                "files": [attached(large["body of a refused upload"], "己.txt")],
            },
        )  # fmt: skip
        assert refused.status_code == 422
        self.bring("internal", body["body of an imported 内部 file"])
        self.bring("confidential", body["body of an imported 秘密 file"])

    def bring(self, level: str, body: bytes) -> None:
        folder = self.outside / level
        folder.mkdir()
        (folder / f"巡检记录 {level}.txt").write_bytes(body)
        done = self.app.test_cli_runner().invoke(args=["import", str(folder), "--level", level, "--json"])
        assert (done.exit_code, '"imported": 1' in done.output) == (0, True), done.output

    def look_for(self) -> None:
        """Files opened, searches, lists and exports, by readers of different standing."""
        found = select(Blob).join(Item, Item.id == Blob.item_id).where(Item.kind == "resource")
        for blob in db.session.scalars(found).all():
            reader = "lead" if blob.level >= Level.CONFIDENTIAL else "cook"
            answer = self.browser(reader).get(f"/f/{blob.id}/{blob.filename}")
            assert len(answer.data) == blob.size, answer.status_code
        words = {name: str(canary) for name, canary in CANARIES.items()}
        cook, custodian = self.browser("cook"), self.browser("custodian")
        live = {"HX-Request": "true", "HX-Target": "div#live"}
        typing = {"HX-Request": "true", "HX-Target": "div#results"}
        for browser, name, headers in (
            (cook, "search", {}),
            (cook, "search under the box", live),
            (custodian, "search while typing", typing),
            (custodian, "search by one cleared for 机密", {}),
        ):
            answer = browser.get("/search", query_string={"q": words[name]}, headers=headers)
            assert answer.status_code == 200
        among = {"q": words["search among 秘密"], "level": "confidential"}
        assert custodian.get("/search", query_string=among).status_code == 200
        assert cook.get("/items/resource/", query_string={"q": words["filter of a list"]}).status_code == 200
        kept = {"q": words["saved search"], "name": "常用", "alerts": "1"}
        assert cook.post("/searches/", data=kept).status_code == 303
        assert cook.get("/searches/").status_code == 200
        for form in ("csv", "xlsx"):
            assert cook.get(f"/items/resource/export?as={form}").data
            narrowed = {"as": form, "q": words["filter of an export"]}
            assert cook.get("/items/resource/export", query_string=narrowed).data
            words_out = {"as": form, "q": words["export of a search"]}
            assert cook.get("/search", query_string=words_out).data
            assert custodian.get(f"/items/document/export?as={form}").data


def attached(body: bytes, name: str) -> FileStorage:
    return FileStorage(io.BytesIO(body), name, content_type="text/plain")


def send(browser: FlaskClient, address: str, data: dict[str, Any]) -> Any:
    """As a browser sends it: the client of the tests would write large forms to a temporary file of its own, in clear."""
    boundary, body = encode_multipart(data)
    return browser.post(address, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def upload_cut(disk: Disk, desk: Office) -> Iterator[bytes]:
    """The real server is killed with half of an upload in its hands. What it held in files without a name."""
    text = f"{CANARIES['body of an upload that was cut']}\n".encode()
    body = text * (12_000_000 // len(text))  # the server reads a MiB ahead of the parser
    with serving(disk.folder, disk.temp) as server:
        headers = carried(desk.client("officer"))
        asking = server.connection()
        asking.request("GET", "/items/resource/new", headers=headers)
        answer = asking.getresponse()
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.read().decode())
        assert found is not None
        headers["Cookie"] = (answer.getheader("Set-Cookie") or headers["Cookie"]).partition(";")[0]
        asking.close()
        sending = server.connection()
        send_half(sending, headers, found[1], body)
        end = time.monotonic() + 30
        held: list[bytes] = []
        while not any(len(data) > len(body) // 3 for data in held):
            assert time.monotonic() < end, "the server took nothing"
            held = list(spools(server.worker))
        (disk.folder / "log" / "server.log").write_text(server.kill())
        sending.close()
    yield from held


def send_half(to: http.client.HTTPConnection, headers: dict[str, str], token: str, body: bytes) -> None:
    part = b'--edge\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    sent = part % (b"csrf_token", b"", token.encode())
    sent += part % (b"level", b"", b"confidential")
    sent += part % (b"files", b'; filename="a.txt"\r\nContent-Type: text/plain', body)
    to.putrequest("POST", "/items/resource/new")
    for name, value in headers.items():
        to.putheader(name, value)
    to.putheader("Content-Type", "multipart/form-data; boundary=edge")
    to.putheader("Content-Length", str(len(sent) + len(b"--edge--\r\n")))
    to.endheaders()
    to.send(sent[: len(sent) // 2])


@pytest.mark.parametrize("name", TABLE)
def test_a_canary_stands_only_where_it_may(planted: Planted, name: str) -> None:
    assert places(CANARIES[name], planted.contents) == TABLE[name]


@pytest.mark.parametrize("name", [n for n in TABLE if n.startswith("body of") and "was cut" not in n])
def test_each_body_was_deposited(planted: Planted, name: str) -> None:
    """And is found in what the store gives back, so that it is the sealing that hides it."""
    assert places(CANARIES[name], {"opened": planted.deposited}) == {"opened"}


def test_the_half_that_came_was_noise_on_the_disk(planted: Planted) -> None:
    canary = CANARIES["body of an upload that was cut"]
    assert max(map(len, planted.spooled)) > 1_000_000
    assert places(canary, {"spool": planted.spooled}) == set()


def test_every_place_had_something_to_be_searched(planted: Planted) -> None:
    """Bodies in the store, a snapshot in the backups, lines in the log: not an empty office."""
    folder = planted.disk.folder
    assert len([p for p in (folder / "blobs").rglob("*") if p.is_file()]) >= 8
    assert list((folder / "backups").rglob("*.age"))
    assert all(path.stat().st_size > 100 for path in (folder / "log").iterdir())
    assert "Booting worker" in (folder / "log" / "server.log").read_text()
    assert (folder / "data.db-wal").exists()


Plant = Callable[[Path, Flask, str], None]


# -- the search itself can find --------------------------------------------------------------------------------------
def into_wal(folder: Path, app: Flask, text: str) -> None:
    with closing(sqlite3.connect(folder / "data.db", isolation_level=None)) as other:
        other.execute("create table planted (words text)")
        other.execute("insert into planted values (?)", (text,))


def into_index(folder: Path, app: Flask, text: str) -> None:
    house: House = app.extensions["house"]
    house.engine.write([Entry(9_999, "resource", "X-1", "题名", text, 0, (), {}, 0)])


def into_log(folder: Path, app: Flask, text: str) -> None:
    logging.getLogger("intranet.jobs").info("round", extra={"did": text})


def into_temp(folder: Path, app: Flask, text: str) -> None:
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(text.encode("gbk"))


def into_store(folder: Path, app: Flask, text: str) -> None:
    app.extensions["house"].vault.store.put("0" * 32, [text.encode("utf-16-le")])


def into_backup(folder: Path, app: Flask, text: str) -> None:
    (folder / "backups").mkdir()
    (folder / "backups" / "dump").write_bytes(Canary("another").latin.encode() + text.encode())


@pytest.mark.parametrize("language", ["latin", "chinese"])
@pytest.mark.parametrize(
    ("plant", "place"),
    [
        (into_wal, "database"), (into_index, "index"), (into_log, "log"), (into_temp, "temp"),
        (into_store, "store"), (into_backup, "backup"),
    ],
)  # fmt: skip
def test_the_search_finds_what_stands_in_clear(
    tmp_path: Path, settled: str, keyring: Keyring, plant: Plant, place: str, language: str
) -> None:
    disk, canary = Disk(tmp_path), Canary(place)
    with office_on_disk(tmp_path, settled, keyring) as app:
        assert places(canary, disk.contents()) == set()
        plant(tmp_path, app, getattr(canary, language))
        assert places(canary, disk.contents()) == {place}
