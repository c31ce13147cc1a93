"""`vault split | rehearse | join`: keys on k of n sheets of paper. Words of sheets pass through memory and nowhere else."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from search.extract_private import in_memory
from vault import keyfiles, shares
from vault.age import NoIdentity, Recipient, write_identity
from vault.errors import KeyringError, VaultError
from vault.keyring import BACKUP, HOLDERS, key_id
from vault.levels import Level

from .. import work
from ..house import house
from ..work import Work
from .common import as_json, operator, out, problem, reports
from .sheets import Sheet, page
from .vault import group
from .vault_keys import keyed

_WHY: dict[type[VaultError], str] = {
    shares.NotAShare: "不是密钥分片",
    shares.Mistyped: "有词输错",
    shares.MixedSets: "分片不属于同一组",
    shares.TooFewSheets: "分片不足",
    shares.WrongIdentity: "分片不属于这一密级现用的密钥（别的密级，或更换前的旧密钥）",
    shares.NotRefused: "较少的分片竟能打开，这组分片不可使用",
    shares.SharesError: "分片数不合规定",
    NoIdentity: "此处没有打开的密钥",
    KeyringError: "密钥不可用",
}
_TRY_AGAIN = (shares.NotAShare, shares.Mistyped, shares.MixedSets)


def _ceremony(command: Callable[..., Any]) -> Callable[..., Any]:
    """What the vault refuses is recorded by its name and becomes exit code 1 with its reason; neither quotes a word."""

    @functools.wraps(command)
    def run(*, holder: str, as_json: bool, **kwargs: Any) -> Any:
        try:
            return command(holder=holder, as_json=as_json, **kwargs)
        except VaultError as error:
            outcome = "alarm" if isinstance(error, shares.NotRefused) else "refused"
            with work.begin(house(), operator("vault")) as w:
                _record(w, command.__name__, holder, outcome=outcome, why=type(error).__name__)
            problem(_said(error), {"error": str(error), "kind": type(error).__name__}, as_json)

    return run


_holder = click.argument("holder", metavar="LEVEL|backup", type=click.Choice(HOLDERS))
_source = click.option(
    "--from",
    "source",
    type=click.File(encoding="utf-8", errors="replace"),
    help="每行一片；- 为标准输入 / one sheet a line",
)
_show = click.option("--show", is_flag=True, help="显示键入的词 / show the words while they are typed")


@group.command("split")
@_holder
@click.option("--shares", "-n", "count", type=int, required=True, help="分片数 / sheets to print")
@click.option("--threshold", "-k", type=int, required=True, help="合成所需片数 / sheets that join")
@click.option("--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path))
@as_json
@reports
@keyed
@_ceremony
def split(holder: str, count: int, threshold: int, folder: Path, as_json: bool) -> None:
    """Write the key of LEVEL as printable sheets to FOLDER, best one in memory such as /dev/shm/sheets."""
    ring, settings = house().vault.keyring, house().settings
    active = ring.active(holder)
    if not active:
        raise NoIdentity(f"the identity of today for {holder} is not here")
    identity = active[0]
    lines = shares.split(identity, threshold, count)
    made = house().clock().astimezone(house().zone)
    sheets = [
        Sheet(
            office=settings.office, office_en=settings.office_en, label=_label(holder), holder=holder,
            number=number, sheets=count, threshold=threshold, recipient=identity.recipient,
            key_id=key_id(ring.recipients(holder)), generation=ring.generation(holder), made=made, words=words,
        )
        for number, words in enumerate(lines, 1)
    ]  # fmt: skip
    try:
        _open_folder(folder)
        files = _write(folder, holder, sheets)
    except OSError as error:
        problem(f"{folder}: {error.strerror or error}", {"error": str(error)}, as_json)
    memory = in_memory(folder, Path("/proc/self/mountinfo").read_text("utf-8"))
    if not memory:
        click.echo(
            f"警告：{folder} 不在内存文件系统上，删除后磁盘上仍可能留有密钥，请改用 /dev/shm 下的目录\n"
            "warning: this folder is not in memory; a disk may keep the key after deletion. Use one below /dev/shm",
            err=True,
        )
    out(
        {
            "files": files,
            "key_id": sheets[0].key_id,
            "threshold": threshold,
            "sheets": count,
            "memory": memory,
        },
        as_json,
        [
            *files,
            f"打印后凭纸面演练 / print, then rehearse from the paper: vault rehearse {holder}",
            f"最后清除 / wipe at the end: find {folder} -type f -exec shred -u {{}} +",
        ],
    )


@group.command("rehearse")
@_holder
@_source
@_show
@as_json
@reports
@_ceremony
def rehearse(holder: str, source: Any, show: bool, as_json: bool) -> None:
    """Prove that the sheets of LEVEL open a test object, and that one sheet fewer does not. No key is written."""
    recipients = house().vault.keyring.recipients(holder)
    done = shares.rehearse(_lines(source, recipients, show), recipients)
    with work.begin(house(), operator("vault")) as w:
        _record(w, "rehearse", holder, threshold=done.threshold, sheets=done.sheets)
    out(
        {"level": holder, "threshold": done.threshold, "sheets": done.sheets, "refused": done.refused},
        as_json,
        [
            f"{holder}: {done.threshold} 片打开了测试件；{done.refused} 组 {done.threshold - 1} 片均打不开",
            f"{done.threshold} sheets opened the test object; {done.refused} sets of {done.threshold - 1} did not",
        ],
    )


@group.command("join")
@_holder
@_source
@_show
@click.option("--to", "target", required=True, type=click.Path(dir_okay=False, path_type=Path))
@as_json
@reports
@_ceremony
def join(holder: str, source: Any, show: bool, target: Path, as_json: bool) -> None:
    """Write the identity of LEVEL, joined from its sheets, to a new file that `age -d -i` takes."""
    recipients = house().vault.keyring.recipients(holder)
    if os.path.lexists(target):  # before anybody types 33 words
        problem(f"{target}: 已存在，不会覆盖 / exists and is never overwritten", {"error": "exists"}, as_json)
    identity = shares.join(_lines(source, recipients, show), recipients)
    try:
        with work.begin(house(), operator("vault")) as w:
            keyfiles.create(target, write_identity(identity).encode(), 0o600)
            keyfiles.flush(target.parent)
            _record(w, "join", holder)
    except OSError as error:
        problem(f"{target}: {error.strerror or error}", {"error": str(error)}, as_json)
    out(
        {"level": holder, "file": str(target), "recipient": str(identity.recipient)},
        as_json,
        f"{target}: {identity.recipient}\n用后清除 / wipe after use: shred -u {target}",
    )


def _open_folder(folder: Path) -> None:
    """The folder, empty and closed to others. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if any(folder.iterdir()):
        raise OSError(f"{folder}: 目录不是空的 / the folder is not empty")
    folder.chmod(0o700)


def _write(folder: Path, holder: str, sheets: Sequence[Sheet]) -> list[str]:
    """All sheets and the record of it, or none of them."""
    written: list[Path] = []
    try:
        with work.begin(house(), operator("vault")) as w:
            for sheet in sheets:
                written.append(folder / sheet.file)
                keyfiles.create(written[-1], page(sheet).encode(), 0o600)
            _record(w, "split", holder, threshold=sheets[0].threshold, sheets=len(sheets))
    except BaseException:
        for file in written:
            file.unlink(missing_ok=True)
        raise
    return [str(file) for file in written]


def _record(w: Work, action: str, holder: str, *, outcome: str = "ok", **facts: Any) -> None:
    level = next((int(one) for one in Level if one.slug == holder), None)
    try:
        facts["key_id"] = key_id(w.house.vault.keyring.recipients(holder))
    except KeyringError:
        facts["key_id"] = None
    w.record(f"vault.{action}", outcome=outcome, level=level, detail={"level": holder} | facts)


def _lines(source: Any, recipients: Sequence[Recipient], show: bool) -> list[str]:
    """The sheets, one a line: from the file or the pipe, or typed one by one and looked at before the next."""
    if source is not None or not sys.stdin.isatty():
        given = source.read() if source is not None else sys.stdin.buffer.read().decode("utf-8", "replace")
        return [line for line in given.splitlines() if line.strip()]
    lines: list[str] = []
    while True:
        typed = click.prompt(
            f"第 {len(lines) + 1} 片 / sheet {len(lines) + 1}", hide_input=not show, err=True
        )
        try:
            shares.threshold([*lines, typed])
            lines.append(typed)
            shares.join(lines, recipients)
        except _TRY_AGAIN as error:
            click.echo(_said(error), err=True)
        except shares.TooFewSheets as error:
            click.echo(f"已有 / given: {error}", err=True)
        else:
            return lines


def _said(error: VaultError) -> str:
    words = next((_WHY[kind] for kind in type(error).__mro__ if kind in _WHY), "文件库拒绝")
    return f"{words} / {error}"


def _label(holder: str) -> str:
    return "备份" if holder == BACKUP else Level.parse(holder).label
