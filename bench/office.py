"""An office of any size for the benchmarks: the people of the demo, and as many items as asked for, always the same ones.

Items are written in bulk, with everything that a save writes (filter rows, a revision, grants), then the index is built as
`reindex` builds it. Texts are put together from the words of the trade; none comes from outside.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select

from intranet import demo, settings, work
from intranet.actor import system
from intranet.app import create_app
from intranet.cli.office import prepare
from intranet.extensions import db
from intranet.house import House
from intranet.jobs import index
from intranet.models import Grant, Item, ItemValue, Person, Revision, Unit

ROOT = Path(str(settings.ROOT))
CACHE = ROOT / "tests" / ".cache" / "bench"
FORMAT = 6  # raise it when what is written changes: old folders are then made anew
START = datetime(2021, 1, 4, 1, tzinfo=UTC)
BATCH = 1000

WHERE = [
    "明德楼",
    "致知楼",
    "第一食堂",
    "第二食堂",
    "北苑宿舍",
    "南苑宿舍",
    "图书馆",
    "实验楼",
    "锅炉房",
    "配电室",
    "水泵房",
    "车队",
    "体育馆",
    "校医院",
    "温室",
    "西门",
]
WHAT = [
    "供水",
    "供电",
    "供暖",
    "空调",
    "电梯",
    "消防",
    "监控",
    "照明",
    "排水",
    "门窗",
    "屋面",
    "管网",
    "绿化",
    "保洁",
    "餐饮",
    "仓储",
    "车辆",
    "家具",
    "网络",
    "锅炉",
    "水泵",
    "配电柜",
]
DOES = [
    "检修",
    "巡查",
    "改造",
    "采购",
    "验收",
    "保养",
    "更换",
    "登记",
    "清洗",
    "维护",
    "核查",
    "调度",
    "抢修",
    "培训",
    "盘点",
    "招标",
    "结算",
    "评估",
    "移交",
    "报废",
]
PAPER = [
    "管理办法",
    "操作规程",
    "工作方案",
    "情况通报",
    "会议纪要",
    "统计报表",
    "检查记录",
    "合同摘要",
    "应急预案",
    "服务指南",
    "年度计划",
    "整改台账",
]
SAYS = (
    "{where}的{what}设施由责任班组每月{does}一次，发现隐患当日上报。",
    "本次{does}共涉及{what}设备{n}台，其中{m}台需要{does2}。",
    "经{where}现场核对，{what}{does}符合合同约定，准予{does2}。",
    "各科室应于每季度末完成{what}{does}，并将记录报办公室存档。",
    "{what}材料由库房统一发放，{does}人员凭工单领取，余料退库。",
    "因{where}{what}管线老化，计划于假期集中{does}，工期{n}天。",
    "夜间值班人员接到{what}报修后，三十分钟内到达{where}。",
    "费用按实际发生额{does2}，单项超过{n}00元的须经审核。",
)  # fmt: skip
#: Ledger, share of all items, states with their shares, levels with their shares.
MIX: tuple[tuple[str, float, dict[str, int], dict[int, int]], ...] = (
    ("resource", 0.66, {"current": 95, "withdrawn": 5}, {0: 30, 1: 65, 2: 5}),
    ("notice", 0.12, {"draft": 3, "published": 80, "expired": 14, "withdrawn": 3}, {0: 70, 1: 30}),
    ("workorder", 0.14, {"open": 2, "working": 4, "closed": 92, "cancelled": 2}, {1: 100}),
    ("document", 0.06, {"held": 90, "lent": 4, "destroyed": 6}, {1: 40, 2: 35, 3: 20, 4: 5}),
    ("complaint", 0.02, {"investigating": 5, "closed": 95}, {1: 100}),
)


def digest(files: Iterable[Path]) -> str:
    """Of the sources that decide what is kept for the next run: where they change, it is made anew."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]


def sources(*without: str) -> list[Path]:
    """Of the search, as far as they decide what an index holds; without those whose names begin so."""
    left_out = ("extract", "filetype", *without)
    return sorted(path for path in (ROOT / "search").glob("*.py") if not path.name.startswith(left_out))


def build(items: int) -> Path:
    """The folder of an office with so many items; made when it is not there or by other tables, entries or search."""
    files = [
        *sources("engine_postgres"),
        *sorted((ROOT / "intranet" / "migrations" / "versions").glob("*.py")),
    ]
    folder = CACHE / f"office-{items}-{FORMAT}-{digest([*files, ROOT / 'intranet' / 'verbs' / 'entries.py'])}"
    if (folder / "made.json").exists():
        return folder
    for old in CACHE.glob(f"office-{items}-*"):
        shutil.rmtree(old)
    print(f"   … {items} 条：生成中 / making an office of {items} items", file=sys.stderr)
    app = opened(folder)
    with app.app_context():
        house: House = app.extensions["house"]
        prepare(house.settings)
        demo.settle(house)
        _fill(house, items)
        index.rebuild(house)
        house.engine.close()
        db.session.remove()
        db.engine.dispose()
    (folder / "made.json").write_text(json.dumps({"items": items}))
    return folder


def opened(folder: Path) -> Flask:
    """The application over such a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    app = create_app(
        settings.load({"data": folder, "argon2_time": 1, "argon2_memory_kb": 1024, "backup_hours": 0}, {})
    )
    app.config |= {"WTF_CSRF_ENABLED": False, "RATELIMIT_ENABLED": False}
    return app


def _fill(house: House, count: int) -> None:
    chance = random.Random(20260101)
    units: list[int] = list(db.session.scalars(select(Unit.id).order_by(Unit.id)))
    owners: list[int] = list(
        db.session.scalars(select(Person.id).where(Person.clearance >= 1).order_by(Person.id))
    )
    made = _items(chance, house, count, units, owners)
    while batch := [row for _n, row in zip(range(BATCH), made, strict=False)]:
        with work.begin(house, system("bench")) as w:
            w.session.execute(insert(Item), [row["item"] for row in batch])
            w.session.execute(insert(ItemValue), [v for row in batch for v in row["values"]])
            w.session.execute(insert(Revision), [row["revision"] for row in batch])
            grants = [g for row in batch for g in row["grants"]]
            if grants:
                w.session.execute(insert(Grant), grants)


def _items(
    chance: random.Random, house: House, count: int, units: list[int], owners: list[int]
) -> Iterator[dict[str, Any]]:
    """One item after the other with its rows; spread over five years."""
    for number in range(1, count + 1):
        name, _share, states, levels = chance.choices(MIX, [m[1] for m in MIX])[0]
        kind = house.kinds[name]
        at = START + timedelta(minutes=int(number * (5 * 365 * 24 * 60) / count))
        item = {
            "id": number,
            "kind": name,
            "number": f"{kind.number[:2].replace('{u', 'WJ')}-B{number:06}",
            "title": _title(chance),
            "state": chance.choices(list(states), list(states.values()))[0],
            "level": chance.choices(list(levels), list(levels.values()))[0],
            "unit_id": chance.choice(units),
            "owner_id": chance.choice(owners),
            "created": at,
            "updated": at,
            "version": 1,
            "data": _data(chance, kind),
        }
        kept = [f for f in kind.fields if f.kept and item["data"].get(f.name)]
        grants = []
        if item["level"] >= 2 and chance.random() < 0.5:
            grants.append(
                {
                    "item_id": number,
                    "person_id": chance.choice(owners),
                    "role": "reader",
                    "at": at,
                    "reason": "",
                }
            )
        yield {
            "item": item,
            "values": [{"item_id": number, "field": f.name, "text": str(item["data"][f.name])[:200]} for f in kept],
            "revision": {"item_id": number, "version": 1, "at": at, "by_id": item["owner_id"], "action": "create", "reason": "",
                         "title": item["title"], "state": item["state"], "level": item["level"], "data": item["data"]},
            "grants": grants,
        }  # fmt: skip


def _data(chance: random.Random, kind: Any) -> dict[str, Any]:
    """Every closed list answered, every long field a text of some sentences."""
    data: dict[str, Any] = {}
    for f in kind.fields:
        if f.widget == "select" and (f.form or f.required):
            data[f.name] = chance.choice(f.choices).code
        elif f.widget == "textarea" and f.search:
            data[f.name] = "".join(_sentence(chance) for _ in range(chance.randint(4, 24)))
        elif f.widget == "text" and f.search:
            data[f.name] = chance.choice(WHERE)
    return data


def _title(chance: random.Random) -> str:
    return f"{chance.choice(WHERE)}{chance.choice(WHAT)}{chance.choice(DOES)}{chance.choice(PAPER)}"


def _sentence(chance: random.Random) -> str:
    return chance.choice(SAYS).format(
        where=chance.choice(WHERE), what=chance.choice(WHAT), does=chance.choice(DOES), does2=chance.choice(DOES),
        n=chance.randint(2, 90), m=chance.randint(1, 9),
    )  # fmt: skip
