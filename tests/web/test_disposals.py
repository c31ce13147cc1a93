"""Disposal lists through their pages: the way of each, who sees what, the package as the archives get it, at a fixed price."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.models import Blob, BlobHeader, DisposalList, Item
from intranet.verbs import disposal, holds
from intranet.web.bag import Bag, safe_name
from tests.office import Office, Statements
from vault import age
from vault.levels import Level

As = Callable[..., FlaskClient]


def sealed(desk: Office, *names: str, level: Level = Level.CONFIDENTIAL, **raw: str) -> Item:
    blobs = tuple(desk.deposit("custodian", f"正文 {n}".encode(), n, level) for n in names or ("正文.txt",))
    return desk.add("document", "custodian", level=level, blobs=blobs, **raw)


def listed(db: Session) -> DisposalList:
    db.rollback()
    return db.scalars(select(DisposalList).order_by(DisposalList.id.desc())).first()


def seen(client: FlaskClient, address: str) -> dict[str, str]:
    """What the page shows, to be signed under."""
    text = client.get(address).text
    return {"seen": text.partition('name="seen" value="')[2].partition('"')[0]}


def propose(client: FlaskClient, *items: Item, way: str = "destroy", **data: object):
    given = {"item": [i.number for i in items], "way": way, "reason": "期满"} | data
    return client.post("/disposals/new", data=given)


def test_the_whole_way_of_a_destruction(as_: As, desk: Office, db: Session) -> None:
    due, other = sealed(desk, dated="2016-01-01"), sealed(desk, "副本.pdf")
    keeper = as_("registrar")
    assert due.number in keeper.get("/disposals/due").text
    assert due.title in keeper.get(f"/disposals/new?item={due.number}").text
    assert propose(keeper, due, more=other.number).status_code == 303
    address = f"/disposals/{listed(db).number}"
    lead = as_("lead")
    assert address in lead.get("/").text
    assert "确认批准" in lead.get(address).text
    assert lead.post(f"{address}/approve", data=seen(lead, address) | {"said": "同意销毁"}).status_code == 303
    assert lead.post(f"{address}/sign", data={"seen": ""}).status_code == 409  # not under this list
    assert lead.post(f"{address}/sign", data=seen(lead, address)).status_code in (403, 409)
    assert address not in lead.get("/").text
    for signer in ("custodian", "leader"):
        browser = as_(signer)
        assert address in browser.get("/").text
        assert "不能撤销" in browser.get(address).text
        assert browser.post(f"{address}/sign", data=seen(browser, address)).status_code == 303
    assert listed(db).state == "done"
    assert db.scalars(select(BlobHeader)).all() == []
    digest = db.scalars(select(Blob.digest)).first()
    for page in (f"{address}/certificate", f"/i/{due.number}/certificate"):
        sheet = keeper.get(page).text
        for words in (
            "销毁证明",
            listed(db).number,
            due.number,
            "期满",
            "周砚秋",
            "何静姝",
            "陆静文",
            "顾怀瑾",
            digest,
        ):
            assert words in sheet, words
    assert "正文已销毁，只保留登记" in keeper.get(f"/i/{due.number}").text
    assert keeper.get(f"{address}/print").status_code == 200
    assert len(desk.audit("disposal.certificate")) == 1


def test_from_the_page_of_one_file_it_is_a_list_of_one(as_: As, desk: Office, db: Session) -> None:
    item = sealed(desk)
    keeper = as_("custodian")
    assert "提请销毁" in keeper.get(f"/i/{item.number}").text
    assert keeper.post(f"/i/{item.number}/move/propose_destroy", data={"reason": ""}).status_code == 422
    answer = keeper.post(f"/i/{item.number}/move/propose_destroy", data={"reason": "不再使用"})
    assert answer.status_code == 303
    number = listed(db).number
    assert number in keeper.get(f"/i/{item.number}").text
    assert as_("lead").post(f"/i/{item.number}/move/keep", data={"reason": "还要用"}).status_code == 303
    assert listed(db).state == "rejected"
    assert as_("lead").get(f"/i/{item.number}/certificate").status_code == 404


def test_what_is_missing_comes_back_with_all_that_was_typed(as_: As, desk: Office, db: Session) -> None:
    item, hidden = sealed(desk), desk.add("document", "registrar", level=Level.TOPSECRET)
    keeper = as_("custodian")
    answer = propose(keeper, item, reason=" ", more="")
    assert answer.status_code == 422 and item.title in answer.text
    for unknown in (
        hidden.number,
        "BG-A-2026-9999",
    ):  # one answer for what may not be known and what there is not
        text = propose(keeper, item, reason="不再使用的", more=unknown).text
        assert f"没有这个编号：{unknown}" in text and "不再使用的" in text
    assert propose(keeper).status_code == 422
    assert propose(as_("lead"), item).status_code == 403
    desk.end(item, to="proposed")
    assert propose(keeper, item).status_code == 409
    address = f"/disposals/{listed(db).number}"
    answer = as_("lead").post(f"{address}/reject", data={"reason": ""})
    assert answer.status_code == 422 and "请说明理由" in answer.text
    assert as_("lead").post(f"{address}/explode").status_code == 404


@pytest.mark.parametrize("login", ["cook", "admin", "auditor", "lead_wx", "officer"])
def test_whoever_may_not_know_of_each_file_finds_no_list(
    as_: As, desk: Office, db: Session, login: str
) -> None:
    desk.end(sealed(desk), to="approved")
    number, browser = listed(db).number, as_(login, fresh=True)
    for path in ("", "/print", "/certificate"):
        there, nowhere = (
            browser.get(f"/disposals/{number}{path}"),
            browser.get(f"/disposals/CZ-BG-2026-9999{path}"),
        )
        assert there.status_code == nowhere.status_code == 404
        assert there.text.replace(number, "") == nowhere.text.replace("CZ-BG-2026-9999", "") or len(
            there.text
        ) == len(nowhere.text)
    for step in ("approve", "sign", "keep", "package", "receipt"):
        assert browser.post(f"/disposals/{number}/{step}").status_code == 404
    assert number not in browser.get("/").text


def test_a_page_costs_the_same_however_much_is_on_it(
    as_: As, desk: Office, db: Session, statements: Statements
) -> None:
    def cost(login: str, path: str) -> int:
        browser = as_(login)
        assert browser.get(path).status_code == 200
        with statements() as asked:
            browser.get(path)
        return len(asked)

    sealed(desk, dated="2010-01-01")
    desk.end(sealed(desk), to="proposed")
    few = [cost("lead", p) for p in ("/disposals/", f"/disposals/{listed(db).number}", "/")]
    few.append(cost("custodian", "/disposals/due"))
    many = [sealed(desk, dated="2010-01-01").id for _ in range(5)]
    with desk.w("registrar") as w:
        disposal.propose(w, "destroy", many[:3], "期满")
    desk.end(sealed(desk), to="proposed")
    more = [cost("lead", p) for p in ("/disposals/", "/disposals/CZ-BG-2026-0002", "/")]
    more.append(cost("custodian", "/disposals/due"))
    assert more == few
    assert few[0] <= 10 and few[1] <= 12 and few[3] <= 8


# -- on hold -----------------------------------------------------------------------------------------------------------
def test_a_refusal_says_who_holds_the_file_and_why(as_: As, desk: Office) -> None:
    item = sealed(desk)
    address = f"/i/{item.number}/hold"
    keeper = as_("custodian")
    assert keeper.post(address, data={"reason": ""}).status_code == 422
    assert keeper.post(address, data={"reason": "审计保全"}).status_code == 303
    page = keeper.get(f"/i/{item.number}").text
    assert "已冻结" in page and "陆静文" in page and "审计保全" in page
    refused = as_("registrar").get(f"/i/{item.number}/edit")
    assert refused.status_code == 403
    assert "陆静文于" in refused.text and "审计保全" in refused.text
    hidden = as_("cook").get(f"/i/{item.number}/edit")
    assert hidden.status_code == 404 and "审计保全" not in hidden.text
    assert as_("cook").get(address).status_code == 404
    assert keeper.post(address, data={"reason": "再冻"}).status_code == 409
    assert keeper.post(address, data={"reason": "结束", "release": "1"}).status_code == 303
    assert "以往的冻结" in keeper.get(address).text


# -- the package -------------------------------------------------------------------------------------------------------
NAMES = ("情况说明.pdf", "情况说明.pdf", "a b&c.txt", "价格 100%.xlsx", "con.txt", "名" * 80 + ".docx")


@pytest.fixture
def leaving(desk: Office, db: Session) -> tuple[str, list[Item]]:
    made = [
        sealed(desk, *NAMES, title="成本核算=明细"),
        sealed(desk, "另一件.txt"),
        desk.add("document", "custodian"),
    ]
    with desk.w("registrar") as w:
        found = disposal.propose(w, "transfer", [i.id for i in made], "期满移交").id
    with desk.w("lead") as w:
        disposal.approve(w, found, "同意移交")
    return f"/disposals/{listed(db).number}", made


def unpacked(body: bytes, folder: Path) -> Path:
    package = folder / "package.zip"
    package.write_bytes(body)
    if shutil.which("unzip"):
        assert (
            subprocess.run(["unzip", "-tq", str(package)], capture_output=True, check=False).returncode == 0
        )
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        archive.extractall(folder / "out")
    (bag,) = (folder / "out").iterdir()
    return bag


def test_the_package_is_a_bag_that_is_checked_without_us(
    as_: As, desk: Office, db: Session, leaving: tuple[str, list[Item]], tmp_path: Path
) -> None:
    address, made = leaving
    keeper = as_("registrar")
    answer = keeper.post(f"{address}/package")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert len(desk.audit("body.transfer")) == len(NAMES) + 1
    bag = unpacked(answer.data, tmp_path)
    assert bag.name == listed(db).number
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        checked = subprocess.run(
            ["sha256sum", "--strict", "-c", manifest], cwd=bag, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr
    # RFC 8493: declaration, every payload file in the manifest, the sum of octets and files
    assert (bag / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    payload = [p for p in (bag / "data").rglob("*") if p.is_file()]
    lines = (bag / "manifest-sha256.txt").read_text().splitlines()
    assert {line[66:] for line in lines} == {p.relative_to(bag).as_posix() for p in payload}
    oxum = f"Payload-Oxum: {sum(p.stat().st_size for p in payload)}.{len(payload)}"
    assert oxum in (bag / "bag-info.txt").read_text().splitlines()
    # every body under its own name, once each
    folder = bag / "data" / "files" / made[0].number
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["情况说明.pdf", "情况说明 (2).pdf", "a b&c.txt", "价格 100_.xlsx", "_con.txt", safe_name(NAMES[-1])]
    )
    assert {p.read_bytes() for p in folder.iterdir()} == {f"正文 {n}".encode() for n in NAMES}
    # the list, for Excel and for programs, and a page for each file
    rows = list(csv.reader((bag / "data" / "移交清单.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) == 1 + len(NAMES) + 1 + 1
    assert rows[1][2] == "'成本核算=明细" if made[0].title.startswith("=") else rows[1][2] == made[0].title
    sheet = openpyxl.load_workbook(io.BytesIO((bag / "data" / "移交清单.xlsx").read_bytes())).active
    assert sheet.max_row == len(rows)
    told = json.loads((bag / "data" / "metadata.json").read_text())
    assert [d["number"] for d in told["documents"]] == [i.number for i in made]
    assert told["documents"][0]["files"][3]["original"] == "价格 100%.xlsx"
    assert made[0].title in (bag / "data" / "documents" / f"{made[0].number}.html").read_text()
    receipt, kept = (bag / "移交接收单.html").read_text(), listed(db).package
    assert kept in receipt and kept in (bag / "README.txt").read_text()
    assert subprocess.run(
        ["sha256sum", "manifest-sha256.txt"], cwd=bag, capture_output=True, check=True
    ).stdout.startswith(kept.encode())
    # the same content is the same bag
    keeper.post(f"{address}/package").get_data()
    assert listed(db).package == kept


def test_a_large_file_goes_through_in_small_pieces() -> None:
    """Constant memory: what is under way is never more than a few pieces, however much went through."""
    bag = Bag("CZ", datetime(2026, 11, 23, 9, 0))  # noqa: DTZ001  a ZIP file knows no zones
    piece = os.urandom(1 << 16)
    tracemalloc.start()
    longest = max(map(len, bag.add("files/large.bin", (piece for _ in range(1024)), 64 << 20)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert longest < 1 << 20
    assert most < 4 << 20


@pytest.mark.parametrize("way", ["recipient", "passphrase"])
def test_a_closed_package_opens_with_the_archives_key(
    as_: As, leaving: tuple[str, list[Item]], tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _made = leaving
    key = age.X25519Identity.generate()
    real = age.ScryptRecipient
    monkeypatch.setattr(age, "ScryptRecipient", lambda text: real(text, log_n=4))
    secret = (
        {"recipient": str(key.recipient)} if way == "recipient" else {"passphrase": "correct horse battery"}
    )
    answer = as_("registrar").post(f"{address}/package", data={"sealed": "1"} | secret)
    assert answer.headers["Content-Disposition"].endswith(".zip.age")
    identity = key if way == "recipient" else age.ScryptIdentity("correct horse battery")
    assert unpacked(b"".join(age.decrypt([answer.data], [identity])), tmp_path)
    for wrong in (
        {},
        {"recipient": "age1x"},
        {"passphrase": "short"},
        {"recipient": str(key.recipient), "passphrase": "x" * 20},
    ):
        assert as_("registrar").post(f"{address}/package", data={"sealed": "1"} | wrong).status_code == 422


def test_a_package_broken_off_leaves_no_receipt_to_enter(
    as_: As, desk: Office, db: Session, leaving: tuple[str, list[Item]]
) -> None:
    address, _made = leaving
    blob = db.scalars(select(Blob).order_by(Blob.id.desc())).first()
    store = desk.house.vault.store
    data = b"".join(store.get(blob.name))
    store.delete(blob.name)
    store.put(blob.name, [data[:-1] + bytes([data[-1] ^ 1])])
    with pytest.raises(Exception, match=r"(?s).*"):
        as_("registrar").post(f"{address}/package").get_data()
    assert listed(db).package == ""
    assert desk.audit("body.damaged")
    assert as_("registrar").post(f"{address}/receipt", data={"receiver": "x"}).status_code == 409


def test_the_receipt_is_entered_by_one_and_confirmed_by_another(
    as_: As, db: Session, leaving: tuple[str, list[Item]]
) -> None:
    address, made = leaving
    keeper = as_("registrar")
    assert as_("lead").post(f"{address}/package").status_code == 403
    keeper.post(f"{address}/package").get_data()
    data = {
        "receiver": "校档案馆",
        "number": "DA-1",
        "received": "2026-11-23",
        "check": listed(db).package[:8],
    }
    wrong = keeper.post(f"{address}/receipt", data=data | {"check": "00000000"})
    assert wrong.status_code == 422 and "校档案馆" in wrong.text
    assert keeper.post(f"{address}/receipt", data=data).status_code == 303
    assert keeper.post(f"{address}/confirm", data=seen(keeper, address)).status_code in (403, 409)
    other = as_("custodian")
    assert address in other.get("/").text
    assert "不能撤销" in other.get(address).text
    assert other.post(f"{address}/confirm", data=seen(other, address)).status_code == 303
    db.rollback()
    assert {db.get_one(Item, i.id, populate_existing=True).state for i in made} == {"transferred"}
    assert "随移交归档销毁" in other.get(f"/i/{made[0].number}").text
    assert "DA-1" in other.get(f"{address}/print").text


def test_secret_files_leave_with_a_fresh_factor_only(as_: As, desk: Office, db: Session) -> None:
    desk.end(sealed(desk, level=Level.SECRET), way="transfer", to="approved")
    address = f"/disposals/{listed(db).number}"
    assert "先通过二次验证" in as_("registrar").get(address).text
    answer = as_("registrar").post(f"{address}/package")
    assert answer.status_code == 303 and "/factor" in answer.headers["Location"]
    assert desk.audit("body.transfer") == []
    assert as_("registrar", fresh=True).post(f"{address}/package").status_code == 200


def test_a_file_put_on_hold_stops_the_list_it_is_on(as_: As, desk: Office, db: Session) -> None:
    item = sealed(desk)
    desk.end(item, to="approved")
    address = f"/disposals/{listed(db).number}"
    with desk.w("leader") as w:
        holds.set_(w, item.id, "诉讼保全")
    page = as_("custodian").get(address).text
    assert "已冻结" in page and "确认签字" not in page
    refused = as_("custodian").post(f"{address}/sign", data=seen(as_("custodian"), address))
    assert refused.status_code in (403, 409)
