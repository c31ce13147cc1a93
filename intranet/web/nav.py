"""The navigation: four groups (工作台 资料 业务 管理), each with only what this person may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _

from ..actor import Actor
from ..house import house
from ..kinds.base import Kind
from ..policy import Permission


@dataclass(frozen=True)
class Entry:
    title: str
    url: str
    icon: str
    here: bool = False
    about: str = ""


@dataclass(frozen=True)
class Group:
    name: str
    title: str
    entries: tuple[Entry, ...]


# What only some may use: (permission, title, address, icon, what it is for).
MANAGE = (
    (Permission.PEOPLE_VIEW, _("人员"), "/people/", "users", _("通讯录、账号、可接触密级与角色")),
    (Permission.PLACE_SET, _("保管场所"), "/places/", "map-pin", _("房间、柜与层架，清点与标签")),
    (Permission.PLACE_CHECK, _("定期检查"), "/inspections/", "checklist", _("到期与逾期的份，检查记录")),
    (Permission.OPS_VIEW, _("备份与运行"), "/ops/", "database", _("备份、校验、恢复演练，后台任务的状况")),
    (Permission.OFFICE_SET, _("单位与词表"), "/office/", "building", _("单位、分类词、存储库与保管场所")),
    (Permission.AUDIT_CHECK, _("日志链头"), "/heads/", "link", _("打印、签认、核对审计日志的链头")),
    (Permission.AUDIT_READ, _("审计日志"), "/audit/", "clipboard-list", _("谁在何时做了什么，链式留痕，可校验可导出")),
)  # fmt: skip


def nav(actor: Actor) -> list[Group]:
    """The groups of this person's navigation; a group without entries is left out. No statement is needed."""
    staff = actor.has("staff")
    kinds, policy = house().kinds.values(), house().policy
    catalogue = [_kind(k) for k in kinds if k.group == "catalogue" and staff]
    business = [_kind(k) for k in kinds if k.group != "catalogue" and _shown(actor, k)]
    desk = [_entry(_("我的工作台"), "/", "home")]
    if staff:
        desk += [
            _entry(_("借阅"), "/desk/", "transfer", below="/desk/loans/"),
            _entry(_("文件传递"), "/slips/", "send"),
            *([_entry(_("文件去向"), "/desk/holders", "map-pin")] if actor.has("custodian") else []),
            _entry(_("检索"), "/search", "search", below="/searches/"),
        ]
    if policy.decide(actor, Permission.DISPOSAL_VIEW).ok:
        business.append(_entry(_("处置"), "/disposals/", "archive"))
    manage = [
        _entry(title, url, icon, about)
        for permission, title, url, icon, about in MANAGE
        if policy.decide(actor, permission).ok
    ]
    groups = (
        Group("desk", str(_("工作台")), tuple(desk)),
        Group("catalogue", str(_("资料")), tuple(catalogue)),
        Group("business", str(_("业务")), tuple(business)),
        Group("manage", str(_("管理")), tuple(manage)),
    )
    return [g for g in groups if g.entries]


def creatable(actor: Actor) -> list[Entry]:
    """What this person may add: the 新建 menu."""
    if not actor.known:
        return []
    add = Permission.ITEM_ADD
    found = [
        _entry(k.title, f"/items/{k.name}/new", k.icon)
        for k in house().kinds.values()
        if k.name != "complaint"  # added at a page of its own, which gives the private code
        and any(house().policy.decide(actor, add, (k, u)).ok for u in (actor.units or (0,)))
    ]
    if actor.has("staff"):
        found.append(_entry(_("提交投诉"), "/complaints/new", "message-report"))
    return found


def _shown(actor: Actor, kind: Kind) -> bool:
    """Whether a ledger can hold anything for this person: a role of it, or (staff) something of one's own in it."""
    words = {w for s in kind.states for w in f"{s.view} {s.edit}".split()}
    words |= {w for m in kind.moves for w in m.roles} | set(kind.add.split())
    return any(actor.has(w) for w in words)


def _kind(kind: Kind) -> Entry:
    return _entry(str(kind.title), f"/items/{kind.name}/", kind.icon)


def _entry(title: Any, url: str, icon: str, about: Any = "", *, below: str = "") -> Entry:
    """An entry is `here` on its page and on those below it (or `below` another address)."""
    path, below = request.path, below or url
    here = path == url or (below.endswith("/") and len(below) > 1 and path.startswith(below))
    return Entry(str(title), request.script_root + url, icon, here, str(about))
