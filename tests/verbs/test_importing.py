"""Bringing in files and tables: what becomes of each, and that running again never doubles anything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet.errors import Invalid
from intranet.models import Blob, BlobText, Item, Link, Outbox, Revision, Term
from intranet.verbs import deposits, import_rows, importing, items
from intranet.verbs.import_names import Named, body, named
from tests.office import Office
from vault.levels import Level

LAW = "# 消防法\n\n1998年通过\n\n<!-- INFO END -->\n\n## 第一章 总则\n\n第一条 为了预防火灾，制定本法。\n"
Run = Callable[..., importing.Report]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder of texts as an office has them."""
    root = tmp_path / "资料"
    for name, text in {
        "社会法/消防法(2021-04-29).md": LAW,
        "社会法/消防法(2008-10-28).md": LAW.replace("1998", "2008"),
        "行政法/消防法(2019-04-23).md": LAW.replace("1998", "2019"),
        "行政法/档案法（2020年6月20日）.txt": "档案法正文",
        "说明.txt": "说明书正文",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def bring(desk: Office) -> Run:
    def run(path: Path, **given: object) -> importing.Report:
        options = importing.Options(
            **({"kind": "resource", "unit_id": desk.unit("BG"), "level": Level.INTERNAL} | given)  # type: ignore[arg-type]
        )
        importer = importing.Importer(desk.house, desk.actor("cli:import"), options)
        for found in importing.find(path, options.pattern):
            importer.take(found)
        return importer.report

    return run


def _counts(report: importing.Report) -> tuple[int, int, int, int]:
    return report.imported, report.updated, report.unchanged, len(report.left_out)


def _titled(db: Session, title: str) -> list[Item]:
    db.rollback()
    return list(db.scalars(select(Item).where(Item.title == title).order_by(Item.id)))


# -- names --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("消防法(2021-04-29).md", Named("消防法", "2021-04-29", ".md")),
        ("消防法（2021年4月29日）.MD", Named("消防法", "2021-04-29", ".md")),
        ("消防法 (2021.4.29 修订) 附件.pdf", Named("消防法 附件", "2021-04-29", ".pdf")),
        ("规程(2021-02-30).txt", Named("规程(2021-02-30)", "", ".txt")),
        ("规程(试行).txt", Named("规程(试行)", "", ".txt")),
        ("无后缀", Named("无后缀", "", "")),
        ("(2021-04-29).md", Named("(2021-04-29).md", "2021-04-29", ".md")),
        ("Cafe\u0301.txt", Named("Café", "", ".txt")),
    ],
)
def test_a_name_says_title_and_date(name: str, expected: Named) -> None:
    assert named(name) == expected


def test_a_name_in_gbk_bytes_is_read() -> None:
    assert named(os.fsdecode("规章.txt".encode("gbk"))).title == "规章"


def test_the_mark_between_head_and_text_goes_and_the_rest_stays() -> None:
    assert body(LAW) == "# 消防法\n\n1998年通过\n\n\n## 第一章 总则\n\n第一条 为了预防火灾，制定本法。"


# -- trees --------------------------------------------------------------------------------------------------------
def test_a_tree_becomes_entries_with_class_date_text_and_sealed_file(
    bring: Run, tree: Path, db: Session
) -> None:
    assert _counts(bring(tree, business="contract")) == (5, 0, 0, 0)
    item = next(i for i in _titled(db, "消防法") if i.data["issued"] == "2021-04-29")
    assert (item.data["business"], item.data["management"]) == ("contract", "procurement")
    assert item.data["subclass"] == "社会法"
    assert "INFO END" not in item.data["body"]
    blob = deposits.files(db, item.id)[0]
    assert (blob.filename, blob.size) == ("消防法(2021-04-29).md", len(LAW.encode()))
    words = db.scalars(select(Term.title).where(Term.vocabulary == "subclass", Term.parent == "contract"))
    assert sorted(words) == ["社会法", "行政法"]


def test_running_again_changes_nothing(bring: Run, tree: Path, db: Session) -> None:
    bring(tree)
    before = [db.scalar(select(func.count()).select_from(t)) for t in (Item, Revision, Blob, Link)]
    assert _counts(bring(tree)) == (0, 0, 5, 0)
    assert [db.scalar(select(func.count()).select_from(t)) for t in (Item, Revision, Blob, Link)] == before


def test_versions_of_one_title_are_linked_newer_to_older(bring: Run, tree: Path, db: Session) -> None:
    bring(tree)
    by_id = {i.id: i.data["issued"][:4] for i in _titled(db, "消防法")}
    pairs = {(by_id[x.item_id], by_id[x.other_id]) for x in db.scalars(select(Link))}
    assert {("2021", "2019"), ("2019", "2008")} <= pairs
    assert all(newer > older for newer, older in pairs)


def test_other_content_under_the_same_name_is_a_new_revision(bring: Run, tree: Path, db: Session) -> None:
    bring(tree)
    (tree / "说明.txt").write_text("改过的说明")
    assert _counts(bring(tree)) == (0, 1, 4, 0)
    item = _titled(db, "说明")[0]
    assert item.data["body"] == "改过的说明"
    assert [b.size for b in deposits.files(db, item.id)] == [len("改过的说明".encode())]
    assert item.version == 2


def test_a_words_file_is_not_read_a_second_time_and_others_are(bring: Run, tree: Path, db: Session) -> None:
    (tree / "表.pdf").write_bytes(b"%PDF-1.4 not much")
    bring(tree)
    waiting = db.scalars(select(Outbox).where(Outbox.topic == "extract")).all()
    assert [db.get_one(Blob, r.payload["blob"]).filename for r in waiting] == ["表.pdf"]
    assert "body" not in _titled(db, "表")[0].data
    assert db.scalar(select(func.count()).select_from(BlobText)) == 0


def test_above_the_level_of_clear_words_no_text_stands_in_the_entry(
    bring: Run, tree: Path, db: Session
) -> None:
    bring(tree, level=Level.CONFIDENTIAL)
    assert all("body" not in i.data for i in db.scalars(select(Item)))


def test_what_is_left_out_is_told_with_its_reason(bring: Run, tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("outside")
    (tree / "空.txt").touch()
    (tree / ".git").mkdir()
    (tree / "link.txt").symlink_to(outside)
    (tree / "folder").symlink_to(tmp_path)
    (tree / "broken.txt").symlink_to(tree / "nowhere")
    os.mkfifo(tree / "pipe")
    (tree / "消防 法(2021-04-29).md").write_text("a")
    (tree / "消防  法(2021-04-29).md").write_text("b")
    report = bring(tree)
    why = {row["path"]: row["reason"] for row in report.left_out}
    assert why["空.txt"] == "空文件"
    assert why[".git"] == "隐藏文件"
    assert why["link.txt"] == why["folder"] == "链接指向目录之外"
    assert why["broken.txt"].startswith("无法读取")
    assert why["pipe"] == "不是普通文件"
    assert sum("题名、日期相同而内容不同" in reason for reason in why.values()) == 1
    assert report.imported == 6


def test_too_large_is_left_out_and_the_others_go_on(make: Callable[..., object], tree: Path) -> None:
    app = make(max_upload_mb=1)
    desk = Office(app, app.extensions["house"])  # type: ignore[arg-type, attr-defined]
    (tree / "大.bin").write_bytes(b"x" * ((1 << 20) + 1))
    options = importing.Options("resource", desk.unit("BG"), Level.INTERNAL)
    importer = importing.Importer(desk.house, desk.actor("cli:import"), options)
    for found in importing.find(tree):
        importer.take(found)
    assert [r["path"] for r in importer.report.left_out] == ["大.bin"]
    assert importer.report.imported == 5


def test_a_pattern_chooses_by_name(bring: Run, tree: Path) -> None:
    assert _counts(bring(tree, pattern="*.md")) == (3, 0, 0, 0)


def test_a_single_file_comes_in_alone(bring: Run, tree: Path, db: Session) -> None:
    assert _counts(bring(tree / "说明.txt")) == (1, 0, 0, 0)
    assert "subclass" not in _titled(db, "说明")[0].data


# -- cut short ----------------------------------------------------------------------------------------------------
def test_a_run_that_dies_between_file_and_entry_is_completed_by_the_next(
    bring: Run, tree: Path, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = items.create, []

    def dies(*args: object, **kwargs: object) -> Item:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(items, "create", dies)
    with pytest.raises(KeyboardInterrupt):
        bring(tree)
    monkeypatch.undo()
    db.rollback()
    assert db.scalar(select(func.count()).select_from(Item)) == 2
    assert _counts(bring(tree)) == (3, 0, 2, 0)
    assert len(_titled(db, "消防法")) == 3


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from intranet.app import create_app
from intranet.verbs import items
real, calls = items.create, []
def dies(*a, **k):
    made = real(*a, **k)
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return made
items.create = dies
app = create_app()
with app.app_context():
    app.test_cli_runner().invoke(args=["import", sys.argv[2], "--unit", "HQ"])
"""


def test_a_run_killed_in_the_middle_of_a_transaction_is_completed_by_the_next(
    tmp_path: Path, tree: Path
) -> None:
    """A real process, a real kill -9, the real command afterwards."""
    root = str(Path(__file__).resolve().parents[2])
    env = os.environ | {"INTRANET_DATA": str(tmp_path / "data"), "INTRANET_ARGON2_TIME": "1"}
    env = {k: v for k, v in env.items() if not k.startswith("INTRANET_TEST")}

    def flask(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *args]
        return subprocess.run(
            command, cwd=root, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    assert flask("init").returncode == 0
    command = [sys.executable, "-c", KILLED, root, str(tree)]
    killed = subprocess.run(command, cwd=root, env=env, capture_output=True, timeout=120, check=False)
    assert killed.returncode == -9
    again = flask("import", str(tree), "--unit", "HQ", "--json")
    assert '"imported": 3, "updated": 0, "unchanged": 2, "left_out": []' in again.stdout, again.stderr
    assert (
        '"imported": 0, "updated": 0, "unchanged": 5'
        in flask("import", str(tree), "--unit", "HQ", "--json").stdout
    )


# -- tables -------------------------------------------------------------------------------------------------------
def _rows(desk: Office, path: Path, kind: str) -> importing.Report:
    options = importing.Options(kind, desk.unit("WX"), Level.INTERNAL)
    rows = import_rows.Rows(desk.house, desk.actor("cli:import"), options, path)
    for row in rows.read():
        rows.take(row)
    return rows.report


TABLE = (
    "报修事项,地点,工种,紧急程度,故障描述,单位,颜色\n"
    "灯不亮,明德楼 101,电气,一般,两盏不亮,第一食堂,红\n"
    "龙头漏水,北苑 2 号楼,给排水,紧急,水一直流,WX,\n"
    ",,,,,,\n"
    "没有地点,,电气,一般,x,,\n"
    "工种不对,明德楼,魔法,一般,x,,\n"
    "单位不对,明德楼,电气,一般,x,天文台,\n"
)


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030"])
def test_rows_become_items_and_each_wrong_row_says_why(
    desk: Office, tmp_path: Path, db: Session, charset: str
) -> None:
    path = tmp_path / "报修.csv"
    path.write_bytes(TABLE.encode(charset))
    report = _rows(desk, path, "workorder")
    assert report.imported == 2
    why = {row["path"]: row["reason"] for row in report.left_out}
    assert why["报修.csv:1"] == "没有这些列：颜色"
    assert why["报修.csv:5"].startswith("地点：")
    assert why["报修.csv:6"].startswith("工种：")
    assert "天文台" in why["报修.csv:7"]
    order = _titled(db, "灯不亮")[0]
    assert (order.data["trade"], order.unit_id, order.state) == ("electric", desk.unit("YST"), "open")


def test_a_table_brought_in_again_adds_only_what_is_new(desk: Office, tmp_path: Path) -> None:
    path = tmp_path / "报修.csv"
    path.write_text("报修事项,地点,工种,紧急程度,故障描述\n灯不亮,明德楼,电气,一般,两盏\n")
    assert _rows(desk, path, "workorder").imported == 1
    path.write_text(path.read_text() + "灯不亮,致远楼,电气,一般,两盏\n")
    again = _rows(desk, path, "workorder")
    assert (again.imported, again.unchanged) == (1, 1)


def test_references_are_written_as_people_write_them(desk: Office, tmp_path: Path, db: Session) -> None:
    path = tmp_path / "文件.csv"
    path.write_text(
        "文件题名,密级,制定人员,制定日期,保管期限,使用频率,保管场所\n"
        "方案甲,秘密,办公室,2026/11/1,10 年,较低,办公室文件柜 1 号\n"
        "方案乙,机密,办公室,2026-11-01,10 年,较低,GZ-1\n"
    )
    report = _rows(desk, path, "document")
    assert report.imported == 1
    assert "保管强度" in report.left_out[0]["reason"]
    item = _titled(db, "方案甲")[0]
    assert (item.level, item.data["place"], item.data["dated"]) == (2, desk.place("GZ-1"), "2026-11-01")


def test_a_table_without_titles_is_refused_whole(desk: Office, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(Invalid):
        _rows(desk, path, "workorder")
