"""场所、清点、检查、安全事件: what is refused (REQUIREMENTS A3; seeds L38-44, L167-175; FEATURES rows 56, 64, 65, 66, 160)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from intranet.errors import Conflict, Denied, Invalid
from intranet.extensions import db
from intranet.models import Hold, Item
from intranet.verbs import inspecting, items, labelling, levels, loans, places, placing, shelf_checks
from tests.office import Clock, Office
from tests.verbs.forbidden import Case
from vault.levels import Level


def kept(desk: Office, level: Level = Level.CONFIDENTIAL, login: str = "custodian", **raw: str) -> Item:
    """A file that the finance head may know of, in the weakest place that is strong enough."""
    item = desk.add("document", login, level=level, **raw)
    if level <= Level.SECRET:
        with desk.w(login) as w:
            items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    return item


def on_hold(desk: Office, _clock: Clock) -> Item:
    item = kept(desk)
    with desk.w("custodian") as w:
        w.session.add(Hold(item_id=item.id, reason="审计", at=w.now, by_id=w.actor.id))
    return item


def lent(desk: Office, _clock: Clock) -> Item:
    item = kept(desk)
    with desk.w("lead_cw") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=5)).id
    with desk.w("custodian") as w:
        loans.lend(w, loan)
    return item


def missing(desk: Office, _clock: Clock) -> Item:
    item = kept(desk)
    with desk.w("custodian") as w:
        inspecting.inspect(w, item.id, 1, "missing")
    return item


def incident(desk: Office, clock: Clock, *, until: str) -> Item:
    """The incident of a missing file, as far as the named step."""
    missing(desk, clock)
    found = db.session.scalars(select(Item).where(Item.kind == "incident")).one()
    for name, raw in (("investigate", {}), ("mend", {"cause": "未逐份核对"})):
        desk.step(found, "lead", name, **raw)
        if name == until:
            break
    return found


def strong_room(desk: Office, _clock: Clock) -> str:
    """A plain box in the strongroom, with a 绝密 file in it."""
    with desk.w("admin") as w:
        places.add(w, "BOX", "铁盒", 1, desk.unit("HQ"), form="shelf", parent="BMS-1")
    kept(desk, Level.TOPSECRET, "registrar", place=str(desk.place("BOX")))
    return "BOX"


def boxes(desk: Office, _clock: Clock) -> None:
    with desk.w("admin") as w:
        places.add(w, "A", "外柜", 1, desk.unit("HQ"))
        places.add(w, "B", "内柜", 1, desk.unit("HQ"), parent="A")


def checking(desk: Office, clock: Clock, *, closed: bool = False) -> int:
    """The custodian's round through the cabinet, with one file in it that was not seen yet."""
    kept(desk)
    with desk.w("custodian") as w:
        check = shelf_checks.start(w, "GZ-1").id
    if closed:
        with desk.w("custodian") as w:
            shelf_checks.close(w, check, 1)
    return check


def put(desk: Office, item: Item, code: str, login: str = "custodian") -> None:
    with desk.w(login) as w:
        placing.put(w, item.id, code)


def inspect(desk: Office, item: Item, found: str, login: str = "custodian", **more: str) -> None:
    with desk.w(login) as w:
        inspecting.inspect(w, item.id, 1, found, **more)


def find(desk: Office, item: Item, note: str = "在柜后找到", place: str = "") -> None:
    with desk.w("custodian") as w:
        inspecting.find(w, item.id, 1, note=note, place=place)


def setting(desk: Office, login: str, verb: object, *given: object) -> None:
    with desk.w(login) as w:
        verb(w, *given)  # type: ignore[operator]


def lend_missing(desk: Office, clock: Clock) -> int:
    item = kept(desk)
    with desk.w("lead_cw") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=5)).id
    inspect(desk, item, "missing")
    return loan


CASES = [
    Case("A3 L38-42：存放强度低于密级", "registered-in-a-weak-place", lambda _d, _c: None,
         lambda d, _g: kept(d, Level.SECRET, place=str(d.place("GZ-1"))), Invalid),
    Case("A3 L38-42：改放到强度不足的场所", "put-into-a-weak-place", lambda d, _c: kept(d), lambda d, i: put(d, i, "GQ-1"), Invalid),
    Case("A3 L38-42：只有保管员可以改放", "reader-moves-a-copy", lambda d, _c: kept(d),
         lambda d, i: put(d, i, "SG-1", "lead_cw"), Denied),
    Case("A3 L47：冻结期间不得改放", "moved-while-on-hold", on_hold, lambda d, i: put(d, i, "SG-1"), Denied),
    Case("A3 L38-42：降低存有秘密件的柜子", "cabinet-weakened-below-its-file", lambda d, _c: kept(d),
         lambda d, _i: setting(d, "custodian", places.strengthen, "GZ-1", 1), Conflict),
    Case("A3 L38-42：借出的份也须有处可还", "weakened-while-the-copy-is-out", lent,
         lambda d, _i: setting(d, "custodian", places.strengthen, "GZ-1", 1), Conflict),
    Case("A3 L37：不知悉其内容者，不得减弱场所", "administrator-weakens-what-holds-files",
         lambda d, _c: kept(d, Level.INTERNAL, place=str(d.place("SG-1"))),
         lambda d, _i: setting(d, "admin", places.strengthen, "SG-1", 2), Conflict),
    Case("A3 L37：看不到绝密件的保管员，得不到提示", "custodian-weakens-over-a-hidden-file", strong_room,
         lambda d, _c: setting(d, "custodian", places.strengthen, "BMS-1", 3), Conflict),
    Case("A3 L38-42：移出保密室即低于密级", "box-moved-out-of-the-strongroom", strong_room,
         lambda d, code: setting(d, "registrar", places.move, code, ""), Conflict),
    Case("场所不能放进自己里面", "place-inside-itself", boxes, lambda d, _g: setting(d, "admin", places.move, "A", "B"), Invalid),
    Case("房间不能放进柜子", "room-inside-a-cabinet", lambda _d, _c: None,
         lambda d, _g: setting(d, "admin", places.move, "GQ-1", "GZ-1"), Invalid),
    Case("场所代码不得重复", "place-code-twice", lambda _d, _c: None,
         lambda d, _g: setting(d, "admin", places.add, "gz-1", "又一个", 1, d.unit("HQ")), Conflict),
    Case("停用存有文件的场所", "place-retired-with-files", lambda d, _c: kept(d),
         lambda d, _i: setting(d, "custodian", places.retire, "GZ-1"), Conflict),
    Case("停用其中有场所的场所", "place-retired-around-another", boxes, lambda d, _g: setting(d, "admin", places.retire, "A"), Conflict),
    Case("只有管理员与保管员可以设置场所", "lead-sets-a-place", lambda _d, _c: None,
         lambda d, _g: setting(d, "lead", places.rename, "GZ-1", "改名"), Denied),
    Case("A3 L44：系统管理员不清点", "administrator-checks-a-shelf", lambda _d, _c: None,
         lambda d, _g: setting(d, "admin", shelf_checks.start, "GZ-1"), Denied),
    Case("A3 L44：一人一次只清点一处", "second-check-at-once", checking,
         lambda d, _g: setting(d, "custodian", shelf_checks.start, "SG-1"), Conflict),
    Case("A3 L44：清点由本人结束", "another-s-check-is-closed", checking,
         lambda d, check: setting(d, "registrar", shelf_checks.close, check, 1), Denied),
    Case("A3 L44：结束前须看到有几份未见", "closed-over-another-number", checking,
         lambda d, check: setting(d, "custodian", shelf_checks.close, check, 0), Conflict),
    Case("A3 L44：结束的清点不再记入", "scanned-after-the-end", lambda d, c: checking(d, c, closed=True),
         lambda d, check: setting(d, "custodian", shelf_checks.scan, check, "BG-M-2026-0001"), Conflict),
    Case("A3 L44：只有保管员检查", "reader-inspects", lambda d, _c: kept(d), lambda d, i: inspect(d, i, "present", "lead_cw"), Denied),
    Case("A3 L44：借出的份不能检查", "copy-inspected-while-out", lent, lambda d, i: inspect(d, i, "present"), Conflict),
    Case("A3 L44：损坏须说明", "damage-without-a-word", lambda d, _c: kept(d), lambda d, i: inspect(d, i, "damaged"), Invalid),
    Case("A3 L44：错放须说明处理", "misplaced-without-action", lambda d, _c: kept(d),
         lambda d, i: inspect(d, i, "misplaced", seen="SG-1"), Invalid),
    Case("A3 L38-42：不能就地改放到更弱的场所", "kept-where-it-was-misplaced", lambda d, _c: kept(d),
         lambda d, i: inspect(d, i, "misplaced", seen="GQ-1", keep_here=True), Invalid),
    Case("没有遗失的不能找回", "found-without-being-lost", lambda d, _c: kept(d), find, Conflict),
    Case("找回须说明", "found-without-a-word", missing, lambda d, i: find(d, i, note=" "), Invalid),
    Case("A3 L38-42：找回后不得放进更弱的场所", "found-into-a-weak-place", missing, lambda d, i: find(d, i, place="GQ-1"), Invalid),
    Case("下落不明的份不能借出", "missing-copy-lent-at-once", lend_missing, lambda d, loan: setting(d, "custodian", loans.lend, loan), Conflict),
    Case("L167-175：查明原因前不得整改", "incident-mended-without-cause", lambda d, c: incident(d, c, until="investigate"),
         lambda d, i: d.step(i, "lead", "mend"), Invalid),
    Case("L167-175：没有措施不得结案", "incident-closed-without-measure", lambda d, c: incident(d, c, until="mend"),
         lambda d, i: d.step(i, "lead", "close"), Invalid),
    Case("L167-175：经办人不得自行结案", "incident-closed-by-its-owner", lambda d, c: incident(d, c, until="mend"),
         lambda d, i: d.step(i, "custodian", "close", measure="已整改"), Denied),
    Case("A3 L37：安全事件的密级不能另改", "incident-lowered-by-itself", lambda d, c: incident(d, c, until="mend"),
         lambda d, i: setting(d, "lead", lambda w: levels.relevel(w, i.id, Level.INTERNAL, reason="降级")), Denied),
    Case("标签只由保管员打印", "reader-prints-labels", lambda d, _c: kept(d),
         lambda d, i: setting(d, "lead_cw", labelling.of_item, i.id), Denied),
]  # fmt: skip
