"""ALL permission decisions, one rule with three faces (ARCHITECTURE §5).

    clearance >= level AND (owner, or grant, or the kind's state gives it to a role that the person holds in that unit)

`decide` answers for one thing, `visible` and `waiting` as SQL criteria, `tokens`/`labels` for the search index. A property
test holds the faces equal. Deny by default: what no line below allows is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, and_, exists, false, func, literal, or_, select, true

from vault.levels import Level

from .actor import BLIND, SEPARATE, Actor
from .errors import Denied
from .kinds.base import ITEM_ROLES, Field, Kind, Move, State
from .kinds.registry import Registry
from .models import Audit, DisposalList, DisposalRow, Grant, Item

BODY_LOAN_LEVEL = Level.CONFIDENTIAL  # 秘密 and up: a body is read on a live loan only
BODY_FRESH_LEVEL = Level.SECRET  # 机密 and up: and after a fresh second factor
BODY_TWO_LEVEL = Level.TOPSECRET  # 绝密: and when a second person has agreed
ENDERS = ("lead", "leader")  # approve the end of a file that somebody else proposed
DECIDERS = (
    "custodian",
    "lead",
    "leader",
)  # give a second person's word, never on what they asked for themselves

#: Who keep a printed head of the audit log and bear witness with it. Not who runs the machine: against them it bears witness.
WITNESSES = ("auditor", "security_officer", "custodian", "lead", "leader")
#: Who may draw up a 文件传递单: it lets others know of the file, so it is not for every reader.
DRAFTERS = ("owner", "custodian", "lead", "leader", "info_officer")

#: A moment, or a bind parameter for one: a statement that is kept for the next request names the moment when it is sent.
When = datetime | ColumnElement[datetime]


class Permission(StrEnum):
    """Every permission there is, `thing:action`. A typo cannot exist."""

    APPROVAL_DECIDE = "approval:decide"
    AUDIT_CHECK = "audit:check"
    AUDIT_READ = "audit:read"
    AUDIT_SIGN = "audit:sign"
    BACKUP_RUN = "backup:run"
    BODY_BREAK = "body:break"
    BODY_OPEN = "body:open"
    BODY_PERMIT = "body:permit"
    BODY_REVIEW = "body:review"
    BODY_SAVE = "body:save"
    BUNDLE_PUT = "bundle:put"
    CLEARANCE_SET = "clearance:set"
    COMPLAINT_SUBMIT = "complaint:submit"
    COPY_ADD = "copy:add"
    COPY_MOVE = "copy:move"
    HOLDERS_VIEW = "holders:view"
    DISPOSAL_DECIDE = "disposal:decide"
    DISPOSAL_KEEP = "disposal:keep"
    DISPOSAL_PROPOSE = "disposal:propose"
    DISPOSAL_SIGN = "disposal:sign"
    DISPOSAL_VIEW = "disposal:view"
    HOLD_SET = "hold:set"
    INCIDENT_REPORT = "incident:report"
    ITEM_ACCESS = "item:access"
    ITEM_ADD = "item:add"
    ITEM_ATTACH = "item:attach"
    ITEM_COMMENT = "item:comment"
    ITEM_EDIT = "item:edit"
    ITEM_EXPORT = "item:export"
    ITEM_GRANT = "item:grant"
    ITEM_INSPECT = "item:inspect"
    ITEM_LEVEL = "item:level"
    ITEM_LOG = "item:log"
    ITEM_MOVE = "item:move"
    ITEM_VIEW = "item:view"
    LEVEL_REVIEW = "level:review"
    LOAN_APPLY = "loan:apply"
    LOAN_CHECK = "loan:check"
    LOAN_DECIDE = "loan:decide"
    LOAN_EXTEND = "loan:extend"
    LOAN_RECEIVE = "loan:receive"
    LOAN_RETURN = "loan:return"
    LOAN_VIEW = "loan:view"
    LOAN_WITHDRAW = "loan:withdraw"
    OFFICE_SET = "office:set"
    OPS_VIEW = "ops:view"
    PEOPLE_SEES = "people:sees"
    PEOPLE_SET = "people:set"
    PEOPLE_VIEW = "people:view"
    PLACE_CHECK = "place:check"
    PLACE_SET = "place:set"
    SEARCH = "search:use"
    SLIP_CHECK = "slip:check"
    SLIP_DECIDE = "slip:decide"
    SLIP_DRAFT = "slip:draft"
    SLIP_EDIT = "slip:edit"
    SLIP_GIVE = "slip:give"
    SLIP_LOSE = "slip:lose"
    SLIP_RECOVER = "slip:recover"
    SLIP_RETURN = "slip:return"
    SLIP_TAKE = "slip:take"
    SLIP_VIEW = "slip:view"
    SLIP_WITHDRAW = "slip:withdraw"
    TRANSFER_CONFIRM = "transfer:confirm"
    TRANSFER_PACKAGE = "transfer:package"
    TRANSFER_RECEIPT = "transfer:receipt"


#: What rests while a file is on hold (冻结). It may still be read, lent, and taken off a disposal list.
STOPPED_BY_HOLD = frozenset(
    {
        Permission.BUNDLE_PUT,
        Permission.COPY_ADD,
        Permission.COPY_MOVE,
        Permission.DISPOSAL_DECIDE,
        Permission.DISPOSAL_PROPOSE,
        Permission.DISPOSAL_SIGN,
        Permission.ITEM_ATTACH,
        Permission.ITEM_EDIT,
        Permission.ITEM_LEVEL,
        Permission.ITEM_MOVE,
        Permission.TRANSFER_CONFIRM,
        Permission.TRANSFER_PACKAGE,
        Permission.TRANSFER_RECEIPT,
    }
)
#: What the product never does by itself: the end of a file is said and signed by persons.
BY_A_PERSON = frozenset(
    {
        Permission.DISPOSAL_DECIDE,
        Permission.DISPOSAL_KEEP,
        Permission.DISPOSAL_PROPOSE,
        Permission.DISPOSAL_SIGN,
        Permission.HOLD_SET,
        Permission.TRANSFER_CONFIRM,
        Permission.TRANSFER_PACKAGE,
        Permission.TRANSFER_RECEIPT,
    }
)


@dataclass(frozen=True, slots=True)
class Decision:
    """`hidden`: not even that the thing exists may be known (404, not 403)."""

    ok: bool
    why: Any = ""
    hidden: bool = False


YES = Decision(True)
HIDDEN = Decision(False, _("没有这条记录，或您无权知悉"), hidden=True)
ON_HOLD = Decision(False, _("此文件已冻结，解除前不得更改或处置"))


@dataclass(frozen=True, slots=True)
class Round:
    """What policy must know of a 文件传递单: whether the copy is on its way, in whose hands it is (None: in its place), to whom it is
    offered, who brought it back, who ever took it. `scope`: ("person"|"unit", id). Who drew it up is `Standing.asker`."""

    moving: bool
    direct: bool
    holder: int | None
    offered: int | None
    returner: int | None
    hands: frozenset[int]
    scope: frozenset[tuple[str, int]]

    def covers(self, actor: Actor) -> bool:
        """Whether somebody is in the scope: by name, or with a unit (those below it are in it)."""
        return ("person", actor.id) in self.scope or any(("unit", u) in self.scope for u in actor.units)


@dataclass(frozen=True, slots=True)
class Standing:
    """An item with what policy must know besides its row: who holds which role on it, this actor's live loan, whether its time
    has run out (`Policy.ended`), whether it is on hold.

    `saves`: the loan also allows to keep the body; `second`: a second person has agreed that this actor reads now; `glass`: this
    actor has broken the glass. `asker`: who asked for what is to be decided. `slip`: the slip that is in question. `approver`: who
    approved the list that ends it, `signer`: who signed that list already, or entered its receipt; `leaving`: it is on an approved
    list of transfer."""

    item: Item
    roles: Mapping[tuple[str, int], frozenset[str]]  # ("person"|"unit", id) -> roles by live grants
    loan: bool = False
    borrower: int | None = None
    ended: bool = False
    hold: bool = False
    saves: bool = False
    second: bool = False
    glass: bool = False
    asker: int | None = None
    slip: Round | None = None
    approver: int | None = None
    signer: int | None = None
    leaving: bool = False

    def of(self, actor: Actor) -> frozenset[str]:
        """The item roles the actor holds: by ownership, by name, by unit."""
        held = {"owner"} if actor.known and self.item.owner_id == actor.id else set()
        held |= self.roles.get(("person", actor.id or 0), frozenset())
        for unit in actor.units:
            held |= self.roles.get(("unit", unit), frozenset())
        return frozenset(held)


class Policy:
    """The rule over the declared kinds. Holds no state but the declarations."""

    def __init__(self, kinds: Registry) -> None:
        self.kinds = kinds

    # -- face 1: one thing ------------------------------------------------------------------------------------
    def sees(self, actor: Actor, s: Standing) -> bool:
        """Whether the actor may know of the item."""
        item = s.item
        if item.kind not in self.kinds or not actor.known or actor.clearance < item.level:
            return False
        if s.of(actor):
            return True
        kind = self.kinds[item.kind]
        return self._holds(actor, kind, item, _shown_as(kind, item, s.ended).view.split())

    def ways(self, actor: Actor, s: Standing) -> list[tuple[str, int | None]]:
        """Why the actor may know of the item, each reason by itself: ("owner", None), ("person" or "unit" with its id) by a
        grant, (a role, None) by the state it is in. Empty exactly where `sees` says no (FEATURES 98)."""
        if not self.sees(actor, s):
            return []
        found: list[tuple[str, int | None]] = [("owner", None)] if s.item.owner_id == actor.id else []
        found += [(of, i) for of, i in s.roles if i == (actor.id if of == "person" else 0)]
        found += [("unit", u) for u in actor.units if ("unit", u) in s.roles]
        kind = self.kinds[s.item.kind]
        shown = _shown_as(kind, s.item, s.ended).view.split()
        return found + [(r, None) for r in shown if self._holds(actor, kind, s.item, [r])]

    def ended(self, item: Item, now: datetime) -> bool:
        """Whether the item's time has run out, whatever the worker has done about it: only those see it who will see it then."""
        kind = self.kinds.get(item.kind)
        move = kind.expiry if kind is not None else None
        return move is not None and item.state in move.sources and item.due is not None and item.due <= now

    def _holds(self, actor: Actor, kind: Kind, item: Item, roles: Iterable[str]) -> bool:
        """Whether the actor holds one of the unit roles for this item."""
        for role in roles:
            if role in ITEM_ROLES:
                continue
            if role == "staff":
                if (
                    actor.has("staff")
                    and item.level < kind.need_to_know
                    and self._reads_repository(actor, item)
                ):
                    return True
            elif actor.has(role, item.unit_id):
                return True
        return False

    @staticmethod
    def _reads_repository(actor: Actor, item: Item) -> bool:
        return item.repository_id is None or item.repository_id in actor.repositories

    def saw(self, actor: Actor, s: Standing, state: str, level: int) -> bool:
        """Whether the actor, seeing the item now, may also see it as one save left it: in a state that is shown to them
        and at a level that they are cleared for. A draft, or what was taken out before a level was lowered, stays closed."""
        kind = self.kinds[s.item.kind]
        if actor.clearance < level or not self.sees(actor, s):
            return False
        declared = next((x for x in kind.states if x.name == state), None)
        if s.of(actor) or declared is None:
            return bool(s.of(actor))
        ways = [r for r in declared.view.split() if r != "staff" or level < kind.need_to_know]
        return self._holds(actor, kind, s.item, ways)

    def any_role(self, actor: Actor, s: Standing, roles: Iterable[str]) -> bool:
        """Whether the actor holds one of the roles, on the item or in its unit. Not a permission by itself."""
        roles = tuple(roles)
        return bool(s.of(actor) & set(roles)) or self._holds(actor, self.kinds[s.item.kind], s.item, roles)

    def decide(
        self, actor: Actor, permission: Permission, thing: Any = None, *, move: Move | None = None
    ) -> Decision:
        """The decision for one actor, permission and thing.

        `thing`: a Standing for item and loan permissions, (Kind, unit id) for ITEM_ADD, the other person's id for
        PEOPLE_SET and CLEARANCE_SET, the login of who printed for AUDIT_SIGN, the unit id of a place for PLACE_CHECK and PLACE_SET
        (None: of any), else None."""
        if isinstance(thing, Standing):
            return self._on_item(actor, permission, thing, move)
        match permission:
            case Permission.COMPLAINT_SUBMIT:
                return YES
            case Permission.INCIDENT_REPORT:  # whoever had the file in hand says that it is lost
                return YES if actor.known else Decision(False, _("请先登录"))
            case Permission.SEARCH:
                return YES if actor.known else Decision(False, _("请先登录"))
            case Permission.ITEM_ADD:
                kind, unit = thing
                if actor.system:
                    return YES
                ok = any(actor.has(r, None if r == "staff" else unit) for r in kind.add.split())
                return YES if ok else Decision(False, _("您没有登记“%(kind)s”的权限", kind=kind.title))
            case Permission.AUDIT_READ:
                return self._role(actor, "auditor")
            case Permission.AUDIT_CHECK:
                return self._role(actor, *WITNESSES)
            case Permission.AUDIT_SIGN:
                if actor.login == thing:
                    return Decision(False, _("打印件须由打印人以外的另一人签认"))
                return self._role(actor, *WITNESSES)
            case Permission.BACKUP_RUN:
                return self._role(actor, "backup_operator")
            case Permission.HOLDERS_VIEW:
                return self._role(actor, "custodian")
            case Permission.OPS_VIEW:
                return self._role(actor, "backup_operator", "sysadmin")
            case Permission.OFFICE_SET:
                return self._role(actor, "sysadmin")
            case Permission.PLACE_CHECK:
                ok = actor.has("custodian", thing)
                return YES if ok else Decision(False, _("只有保管本单位场所的保管员可以办理"))
            case Permission.DISPOSAL_VIEW:
                return self._role(actor, *DECIDERS)
            case Permission.DISPOSAL_PROPOSE:
                return self._role(actor, "custodian")
            case Permission.PLACE_SET:
                ok = actor.system or actor.has("sysadmin") or actor.has("custodian", thing)
                return YES if ok else Decision(False, _("只有系统管理员或本单位的保管员可以设置场所"))
            case Permission.PEOPLE_VIEW:
                return self._role(actor, "staff", "sysadmin", "security_officer")
            case Permission.PEOPLE_SEES:
                return self._role(actor, "security_officer")
            case Permission.PEOPLE_SET:
                return self._role(actor, "sysadmin")
            case Permission.CLEARANCE_SET:
                if actor.known and thing == actor.id:
                    return Decision(False, _("不能更改自己的密级与角色"))
                return self._role(actor, "security_officer")
        return Decision(False, _("没有这项权限"))

    @staticmethod
    def _role(actor: Actor, *roles: str) -> Decision:
        if actor.system or any(actor.has(r) for r in roles):
            return YES
        return Decision(False, _("这一页面只对有相应职责的人员开放"))

    def _on_item(self, actor: Actor, permission: Permission, s: Standing, move: Move | None) -> Decision:
        if actor.system:
            if permission is Permission.BODY_OPEN:
                return Decision(False, _("系统本身不打开正文"))
            return Decision(False, _("这一步须由人办理")) if permission in BY_A_PERSON else YES
        if not self.sees(actor, s):
            return HIDDEN
        item, kind = s.item, self.kinds[s.item.kind]
        state = kind.state(item.state)
        custodian = actor.has("custodian", item.unit_id)
        match permission:
            case Permission.ITEM_VIEW | Permission.ITEM_EXPORT:
                return YES
            case _ if s.hold and permission in STOPPED_BY_HOLD:
                return ON_HOLD
            case Permission.ITEM_EDIT | Permission.ITEM_ATTACH:
                return self._asked(actor, s, state.edit.split(), _("当前状态下您不能修改"))
            case Permission.ITEM_MOVE:
                return self._move(actor, s, move)
            case Permission.ITEM_COMMENT:
                return self._asked(actor, s, kind.comments.split(), _("您不能在此留言"))
            case Permission.ITEM_GRANT:
                if (
                    kind.need_to_know == 0
                ):  # only those who handle it may know, and a step names them (seeds L184)
                    return Decision(False, _("您不能更改知悉范围"))
                return self._asked(
                    actor, s, ["custodian"] if kind.dual else ["owner", "lead"], _("您不能更改知悉范围")
                )
            case Permission.ITEM_ACCESS:
                if kind.need_to_know == 0:
                    return self._asked(actor, s, ["complaint_handler"], _("您不能查看知悉人名单"))
                keepers = ["custodian"] if kind.loans else ["owner", "lead"]
                ok = actor.has("security_officer") or self.any_role(actor, s, keepers)
                return YES if ok else Decision(False, _("您不能查看知悉人名单"))
            case Permission.ITEM_LEVEL:
                if kind.follows:
                    return Decision(False, _("密级随所涉及的文件，不能单独更改"))
                return self._asked(
                    actor, s, ["custodian"] if kind.dual else ["owner", "lead"], _("您不能更改密级")
                )
            case Permission.ITEM_LOG:
                return self._asked(
                    actor,
                    s,
                    ["owner", "custodian", "lead", "complaint_handler", "dispatcher"],
                    _("您不能查看记录"),
                )
            case Permission.BODY_OPEN:
                return self._body(actor, s, kind)
            case Permission.BODY_PERMIT:
                return self._permit(actor, s)
            case Permission.BODY_REVIEW:
                if s.asker is not None and s.asker == actor.id:
                    return Decision(False, _("任何人不得核查自己的应急打开"))
                return self._asked(
                    actor,
                    s,
                    (*DECIDERS, "security_officer"),
                    _("只有保管员、信息责任人、处领导或安全保密员可以核查"),
                )
            case Permission.BODY_SAVE:
                return self._save(actor, s, kind)
            case Permission.BODY_BREAK:
                return self._break(actor, s, kind)
            case Permission.APPROVAL_DECIDE:
                if s.asker is not None and s.asker == actor.id:
                    return Decision(False, _("任何人不得审批自己的申请"))
                return self._asked(actor, s, DECIDERS, _("只有保管员、信息责任人或处领导可以审批"))
            case Permission.HOLD_SET:
                return self._asked(actor, s, DECIDERS, _("只有保管员、信息责任人或处领导可以冻结"))
            case Permission.DISPOSAL_DECIDE | Permission.DISPOSAL_KEEP | Permission.DISPOSAL_SIGN:
                return self._end(actor, permission, s)
            case Permission.TRANSFER_PACKAGE | Permission.TRANSFER_CONFIRM:
                return self._hand_over(actor, permission, s)
            case Permission.DISPOSAL_PROPOSE | Permission.TRANSFER_RECEIPT:
                return YES if custodian and kind.loans else Decision(False, _("只有保管员可以办理"))
            case Permission.COPY_ADD | Permission.COPY_MOVE | Permission.ITEM_INSPECT:
                return YES if custodian and kind.loans else Decision(False, _("只有保管员可以办理"))
            case Permission.BUNDLE_PUT | Permission.LEVEL_REVIEW:
                return YES if custodian and kind.dual else Decision(False, _("只有保管员可以办理"))
            case Permission.LOAN_APPLY:
                return YES if kind.loans and not state.final else Decision(False, _("此文件不可借阅"))
            case Permission.LOAN_DECIDE | Permission.LOAN_CHECK:
                if s.borrower is not None and s.borrower == actor.id:
                    return Decision(False, _("任何人不得审批、核验自己的借阅"))
                return YES if custodian else Decision(False, _("只有保管员可以办理"))
            case Permission.LOAN_RETURN | Permission.LOAN_VIEW:
                return (
                    YES
                    if custodian or s.borrower == actor.id
                    else Decision(False, _("只有借阅人或保管员可以办理"))
                )
            case Permission.LOAN_EXTEND | Permission.LOAN_RECEIVE | Permission.LOAN_WITHDRAW:
                return YES if s.borrower == actor.id else Decision(False, _("只有借阅人本人可以办理"))
        if permission.value.startswith("slip:"):
            return self._slip(actor, permission, s, custodian)
        return Decision(False, _("没有这项权限"))

    def _slip(self, actor: Actor, permission: Permission, s: Standing, custodian: bool) -> Decision:
        """文件传递单 (seeds L48-51). Whoever has nothing to do with a slip does not learn of it, though they know of the file."""
        if permission is Permission.SLIP_DRAFT:
            kind = self.kinds[s.item.kind]
            if not kind.loans or s.item.state == "disposal" or kind.state(s.item.state).final:
                return Decision(False, _("此文件不可传递"))
            return self._asked(
                actor, s, DRAFTERS, _("只有保管员、信息员、信息责任人或处领导可以拟制文件传递单")
            )
        r, mine = s.slip, s.asker is not None and s.asker == actor.id
        if r is None:
            return HIDDEN
        holds, offered = r.holder == actor.id, r.offered == actor.id
        part = mine or holds or offered or actor.id in r.hands or (r.moving and r.covers(actor))
        if not part and not self.any_role(actor, s, DECIDERS):
            return HIDDEN
        match permission:
            case Permission.SLIP_VIEW:
                return YES
            case Permission.SLIP_EDIT:
                return YES if mine else Decision(False, _("只有拟制人可以修改、提交传递单"))
            case Permission.SLIP_WITHDRAW:
                return YES if mine or custodian else Decision(False, _("只有拟制人或保管员可以撤回传递单"))
            case Permission.SLIP_DECIDE:
                if mine:
                    return Decision(False, _("任何人不得审批自己的申请"))
                return self._asked(actor, s, DECIDERS, _("只有保管员、信息责任人或处领导可以审批"))
            case Permission.SLIP_GIVE:
                if r.holder is None:
                    return YES if custodian else Decision(False, _("首次交接由保管员办理"))
                return YES if holds else Decision(False, _("文件不在您手中，只有持有人可以交出"))
            case Permission.SLIP_TAKE:
                return YES if offered else Decision(False, _("文件不是交给您的，不得代他人签收"))
            case Permission.SLIP_RETURN:
                if not holds:
                    return Decision(False, _("文件不在您手中，只有持有人可以归还"))
                return YES if custodian else Decision(False, _("请将文件交给保管员，由其签收"))
            case Permission.SLIP_RECOVER:
                return YES if custodian and not holds else Decision(False, _("只有保管员可以收回"))
            case Permission.SLIP_LOSE:
                return YES if custodian or holds else Decision(False, _("只有持有人或保管员可以登记遗失"))
            case Permission.SLIP_CHECK:
                if actor.id == r.returner or (actor.id in r.hands and r.covers(actor)):
                    return Decision(False, _("检查人不得是最后的持有人，须由另一位保管员检查"))
                return YES if custodian else Decision(False, _("只有保管员可以办理"))
        return Decision(False, _("没有这项权限"))

    def hop(self, giver: Actor, taker: Actor, s: Standing, *, over: bool) -> Decision:
        """Whether the copy of a slip may go from one hand to the other (seeds L49; FEATURES rows 75, 76): within the scope, to whoever
        is cleared, through the custodian. `over`: the cycle has ended, only the way back to the custodian is open."""
        r, unit = s.slip, s.item.unit_id
        if r is None or giver.id == taker.id:
            return Decision(False, _("不能交给自己"))
        if taker.has("custodian", unit) and self.sees(taker, s):
            return YES
        if not r.covers(taker):
            return Decision(False, _("接收人不在传递范围内"))
        if not self.sees(taker, s):
            return Decision(False, _("接收人已不具备接触此文件的资格"))
        if not r.direct and not giver.has("custodian", unit):
            return Decision(False, _("此传递单不得横传：请先交还保管员，由保管员转交下一人"))
        if over:
            return Decision(False, _("传递周期已过，文件只能归还，不能再传"))
        return YES

    def _asked(self, actor: Actor, s: Standing, roles: Iterable[str], why: Any) -> Decision:
        return YES if self.any_role(actor, s, roles) else Decision(False, why)

    def _move(self, actor: Actor, s: Standing, move: Move | None) -> Decision:
        if move is None:
            return Decision(False, _("没有这个步骤"))
        if not self.any_role(actor, s, move.roles):
            return Decision(False, _("这一步由其他人员办理"))
        barred = move.not_by.split()
        if "previous" in barred and s.item.previous_id == actor.id:
            return Decision(False, _("上一步由您办理，这一步须由他人办理"))
        if s.of(actor) & set(barred):
            return Decision(False, _("不能办理自己经手的事项，须由他人办理"))
        return YES

    def _body(self, actor: Actor, s: Standing, kind: Kind) -> Decision:
        """Opening a file: from 秘密 up on a live loan, from 机密 up also with a fresh second factor, 绝密 only by two persons.
        Who breaks the glass needs neither loan nor second person, but the factor."""
        if kind.loans and s.item.level >= BODY_LOAN_LEVEL and not (s.loan or s.glass):
            return Decision(False, _("秘密级以上的正文须先借阅，经保管员批准后方可打开"))
        if kind.loans and s.item.level >= BODY_TWO_LEVEL and not (s.second or s.glass):
            return Decision(False, _("绝密正文须两人打开：先请另一人同意"))
        if s.item.level >= BODY_FRESH_LEVEL and not actor.fresh:
            return Decision(False, _("机密级以上的正文须先通过二次验证"))
        return YES

    def _save(self, actor: Actor, s: Standing, kind: Kind) -> Decision:
        """Keeping the body on the own disk: from 秘密 up only where the loan says so."""
        if self.in_page(s.item) and (s.loan or s.glass) and not s.saves:
            return Decision(False, _("此文件只能在页面内阅读，不能下载"))
        return self._body(actor, s, kind)

    def in_page(self, item: Item) -> bool:
        """Whether a body is read in a page that we make, instead of being given as it is: of what is kept, from 秘密 up."""
        kind = self.kinds.get(item.kind)
        return kind is not None and kind.loans and item.level >= BODY_LOAN_LEVEL

    def _permit(self, actor: Actor, s: Standing) -> Decision:
        """The second person's word for opening 绝密: as for every approval, and with the factor that opening itself needs."""
        decision = self._on_item(actor, Permission.APPROVAL_DECIDE, s, None)
        if decision.ok and s.item.level >= BODY_FRESH_LEVEL and not actor.fresh:
            return Decision(False, _("机密级以上的正文须先通过二次验证"))
        return decision

    def _break(self, actor: Actor, s: Standing, kind: Kind) -> Decision:
        """Breaking the glass: whoever may know of the file, from 秘密 up, while it has a body."""
        if not kind.loans or s.item.level < BODY_LOAN_LEVEL or kind.state(s.item.state).final:
            return Decision(False, _("此文件无须应急打开"))
        if s.item.level >= BODY_FRESH_LEVEL and not actor.fresh:
            return Decision(False, _("机密级以上的正文须先通过二次验证"))
        return YES

    def _end(self, actor: Actor, permission: Permission, s: Standing) -> Decision:
        """The end of a file takes three persons at least: who proposes does not approve, who approves does not sign, nobody
        signs twice; whoever handles the file does not approve its end (seeds L47)."""
        if permission is Permission.DISPOSAL_SIGN:
            if s.approver is None or s.approver == actor.id:
                return Decision(False, _("批准人不得监销签字，须由另外两人签字"))
            if s.signer == actor.id:
                return Decision(False, _("您已签字，第二个签字须由另一人"))
            return self._freshly(actor, s)
        if s.asker is not None and s.asker == actor.id:
            return Decision(False, _("提请人不得批准或驳回自己的提请"))
        if permission is Permission.DISPOSAL_DECIDE and s.item.owner_id == actor.id:
            return Decision(False, _("不能办理自己经手的事项，须由他人办理"))
        return self._asked(actor, s, ENDERS, _("只有信息责任人或处领导可以批准处置"))

    def _hand_over(self, actor: Actor, permission: Permission, s: Standing) -> Decision:
        """Taking the bodies out for the archives, and confirming the receipt that somebody else entered."""
        custodian = actor.has("custodian", s.item.unit_id)
        if permission is Permission.TRANSFER_CONFIRM:
            if s.signer is None or s.signer == actor.id:
                return Decision(False, _("接收单须由登记人以外的人员复核"))
            if not custodian and s.approver != actor.id:
                return Decision(False, _("接收单由批准人或另一位保管员复核"))
            return self._freshly(actor, s)
        if not custodian or not s.leaving:
            return Decision(False, _("只有保管员可以为已批准的移交清单打包"))
        return self._freshly(actor, s)

    @staticmethod
    def _freshly(actor: Actor, s: Standing) -> Decision:
        if s.item.level >= BODY_FRESH_LEVEL and not actor.fresh:
            return Decision(False, _("机密级以上的处置须先通过二次验证"))
        return YES

    def demand(
        self, actor: Actor, permission: Permission, thing: Any = None, *, move: Move | None = None
    ) -> None:
        """Raise Denied unless decided yes."""
        decision = self.decide(actor, permission, thing, move=move)
        if not decision.ok:
            raise Denied(decision.why, hidden=decision.hidden, permission=permission.value, thing=thing)

    def shows(self, actor: Actor, s: Standing, field: Field) -> bool:
        """Whether a field of an item the actor sees is shown to them (`Field.view`)."""
        return not field.view or self.any_role(actor, s, field.roles)

    # -- face 2: SQL ------------------------------------------------------------------------------------------
    def visible(self, actor: Actor, now: When, kinds: Iterable[str] | None = None) -> ColumnElement[bool]:
        """The items the actor may know of, as a criterion on Item. Equal to `sees` for every row."""
        return self._visible(actor, _Ways(actor, now), kinds) if actor.known else false()

    def _visible(self, actor: Actor, ways: _Ways, kinds: Iterable[str] | None = None) -> ColumnElement[bool]:
        wanted = None if kinds is None else set(kinds)
        chosen = [k for k in self.kinds.values() if wanted is None or k.name in wanted]
        by_state = [
            and_(Item.kind == kind.name, _among(Item.state, states), time, by_role)
            for kind in chosen
            for view, states, time in _shown_in(kind, ways)
            if (by_role := ways.by_role(kind, view.split())) is not None
        ]
        among = _among(Item.kind, [k.name for k in chosen])
        cleared = Item.level <= int(actor.clearance)
        if wanted is not None:
            return and_(cleared, among, or_(*by_state, ways.on_item()))
        # All ledgers are no place to look: said of the whole, it would lead SQLite past every item there is.
        return and_(cleared, or_(*by_state, and_(among, ways.on_item())))

    def log_closed(self, actor: Actor, now: When) -> ColumnElement[bool]:
        """The audit rows, each joined with its item where it has one, of which the actor may know only that they are: above
        the own clearance, then or now, or of an item that is for those who need it and the actor does not (row 97)."""
        cleared, level = int(actor.clearance), func.coalesce(Audit.level, 0)
        needed = [
            and_(Item.kind == k.name, or_(Item.level >= k.need_to_know, level >= k.need_to_know))
            for k in self.kinds.values()
        ]
        known = _among(Item.kind, [k.name for k in self.kinds.values()])
        hidden = or_(Item.level > cleared, ~known, and_(or_(false(), *needed), ~self.visible(actor, now)))
        gone = and_(Audit.item.is_not(None), Item.id.is_(None))
        # Whoever asks for a number and then looks for their own refusal must not see by it whether the number exists.
        nothing = and_(
            Audit.item.is_(None),
            Audit.action == Permission.ITEM_VIEW.value,
            Audit.outcome == "refused",
        )
        return or_(level > cleared, gone, nothing, and_(Item.id.is_not(None), hidden))

    def over(self, now: When) -> ColumnElement[bool]:
        """The items for which `ended` is true. Said so that the index on `due` is taken: few have just run out, many are published."""
        ways = [f"{k.name}/{state}" for k in self.kinds.values() if k.expiry for state in k.expiry.sources]
        return and_(Item.due <= now, _among(Item.kind + "/" + Item.state, ways))

    def waiting(self, actor: Actor, now: When) -> ColumnElement[bool]:
        """The items that wait for a step of the actor: what the desk shows."""
        if not actor.known:
            return false()
        ways = _Ways(actor, now)
        parts: list[ColumnElement[bool]] = []
        kinds: set[str] = set()
        states: set[str] = set()
        for kind in self.kinds.values():
            for (by, not_by), sources in _sources_by_roles(kind).items():
                kinds.add(kind.name)
                states.update(sources)
                roles, barred = by.split(), not_by.split()
                mine = [ways.on_item(frozenset(roles) & frozenset(ITEM_ROLES))]
                by_role = ways.by_role(kind, roles)
                mine = mine if by_role is None else [by_role, *mine]
                bars: list[ColumnElement[bool]] = []
                if "previous" in barred:
                    bars.append(or_(Item.previous_id.is_(None), Item.previous_id != actor.id))
                if closed := frozenset(barred) - {"previous"}:
                    bars.append(~ways.on_item(closed))
                parts.append(and_(Item.kind == kind.name, _among(Item.state, sources), or_(*mine), *bars))
        # Said once more for the index on (kind, state): few items of a large office are in a state that waits for anybody.
        some = and_(_among(Item.kind, sorted(kinds)), _among(Item.state, sorted(states)))
        return and_(some, self._visible(actor, ways), or_(false(), *parts))

    def deciding(self, actor: Actor) -> ColumnElement[bool]:
        """The items for which the actor gives a second person's word (`Permission.APPROVAL_DECIDE`), seeing them aside."""
        covered = [actor.roles[r] for r in DECIDERS if r in actor.roles]
        return self._within(covered) if actor.known else false()

    def keeping(self, actor: Actor) -> ColumnElement[bool]:
        """The items whose custodian the actor is, seeing them aside."""
        return self._within([actor.roles["custodian"]] if "custodian" in actor.roles else [])

    @staticmethod
    def _within(covered: Sequence[frozenset[int] | None]) -> ColumnElement[bool]:
        units: set[int] = set()
        for some in covered:
            if some is None:
                return true()
            units |= some
        return Item.unit_id.in_(sorted(units)) if units else false()

    def lists(self, actor: Actor, now: When) -> ColumnElement[bool]:
        """The disposal lists that the actor may know of, as a criterion on DisposalList: those of whose files each one may be
        known. One that was turned down has none left: it is for those who took part, and for who decides in its unit."""
        if not actor.known:
            return false()
        files = (
            select(DisposalRow.item_id)
            .join(Item, Item.id == DisposalRow.item_id)
            .where(DisposalRow.list_id == DisposalList.id)
            .correlate(DisposalList)
        )
        live = files.where(DisposalRow.dropped.is_(None))
        unseen = ~self.visible(actor, now, [k.name for k in self.kinds.values() if k.loans])
        took_part = [
            column == actor.id
            for column in (
                DisposalList.proposed_by,
                DisposalList.decided_by,
                DisposalList.first_by,
                DisposalList.second_by,
            )
        ]
        for role in DECIDERS:
            if role in actor.roles:
                covered = actor.roles[role]
                took_part.append(true() if covered is None else DisposalList.unit_id.in_(sorted(covered)))
        return and_(
            DisposalList.level <= int(actor.clearance),
            or_(
                and_(live.exists(), ~live.where(unseen).exists()),
                and_(~live.exists(), ~files.where(unseen).exists(), or_(*took_part)),
            ),
        )

    # -- face 3: the search index -----------------------------------------------------------------------------
    def labels(self, item: Item, grants: Iterable[Grant], now: datetime) -> frozenset[str]:
        """Labels of an item: seen by whoever has a token among them and clearance >= its level."""
        found = {f"p{item.owner_id}"} if item.owner_id is not None else set()
        for g in grants:
            if g.revoked is None and (g.until is None or g.until > now):
                found.add(f"p{g.person_id}" if g.person_id is not None else f"u{g.unit_id}")
        kind = self.kinds.get(item.kind)
        for role in _shown_as(kind, item, self.ended(item, now)).view.split() if kind else ():
            if kind is None or role in ITEM_ROLES:
                continue
            if role == "staff":
                if item.level < kind.need_to_know:
                    found.add("staff" if item.repository_id is None else f"repo{item.repository_id}")
            else:
                found |= {f"{role}@{item.unit_id}", f"{role}@*"}
        return frozenset(found)

    def tokens(self, actor: Actor) -> frozenset[str]:
        """Tokens of a person, to be matched with labels."""
        if not actor.known:
            return frozenset()
        found = {f"p{actor.id}"} | {f"u{u}" for u in actor.units}
        for role, covered in actor.roles.items():
            if role == "staff":
                found |= {"staff"} | {f"repo{r}" for r in actor.repositories}
            elif covered is None:
                found.add(f"{role}@*")
            else:
                found |= {f"{role}@{u}" for u in covered}
        return frozenset(found)


def _shown_as(kind: Kind, item: Item, ended: bool) -> State:
    """The state whose `view` counts: for what has ended by itself the one that follows."""
    return kind.state(kind.expiry.target if ended and kind.expiry is not None else item.state)


class _Ways:
    """The ways of one actor to an item, as SQL. What stands in a criterion more than once is one object here, which makes
    it one part to prepare and one value to send. Ways through a grant belong last: the database looks a grant up only
    for what no role has shown already."""

    def __init__(self, actor: Actor, now: When) -> None:
        self._roles = actor.roles
        #: Whether an item's clock has run out; where that means its end, see `Policy.ended`.
        self.over = and_(Item.due.is_not(None), Item.due <= now)
        self.running = or_(Item.due.is_(None), Item.due > now)
        self._owner = and_(Item.owner_id.is_not(None), Item.owner_id == actor.id)
        whom = Grant.person_id == actor.id
        if actor.units:
            whom = or_(whom, Grant.unit_id.in_(actor.units))
        live = and_(whom, Grant.revoked.is_(None), or_(Grant.until.is_(None), Grant.until > now))
        self._granted = and_(Grant.item_id == Item.id, live)
        readable = Item.repository_id.in_(sorted(actor.repositories))
        self._readable = or_(Item.repository_id.is_(None), readable)

    def on_item(self, roles: frozenset[str] | None = None) -> ColumnElement[bool]:
        """Owner or live grant, of one of `roles` (None: of any)."""
        if roles is None:
            return or_(self._owner, exists().where(self._granted))
        found: list[ColumnElement[bool]] = [self._owner] if "owner" in roles else []
        if roles:
            found.append(exists().where(self._granted, _among(Grant.role, sorted(roles))))
        return or_(false(), *found)

    def by_role(self, kind: Kind, roles: Iterable[str]) -> ColumnElement[bool] | None:
        """Of the items of this kind, those where a unit role counts; None when none does."""
        found: list[ColumnElement[bool]] = []
        for role in roles:
            if role in ITEM_ROLES or role not in self._roles:
                continue
            if role == "staff":
                found.append(and_(Item.level < kind.need_to_know, self._readable))
            else:
                covered = self._roles[role]
                found.append(true() if covered is None else Item.unit_id.in_(sorted(covered)))
        return or_(*found) if found else None


def _among(column: Any, declared: Iterable[str]) -> ColumnElement[bool]:
    """`IN` for words of the declarations. They are the same each time, so the list is written out once, not at each sending."""
    found: ColumnElement[bool] = column.in_([literal(word) for word in declared])
    return found


def _shown_in(kind: Kind, ways: _Ways) -> list[tuple[str, list[str], ColumnElement[bool]]]:
    """(view, states that are shown so, at what time): one clause for each instead of one a state. What has ended by itself is
    shown as what it will be."""
    ends = kind.expiry
    sources = set(ends.sources) if ends is not None else set()
    found: dict[tuple[str, bool], list[str]] = {}
    for state in kind.states:
        found.setdefault((state.view, state.name in sources), []).append(state.name)
    shown = [
        (view, states, ways.running if some_end else true()) for (view, some_end), states in found.items()
    ]
    if ends is not None:
        shown.append((kind.state(ends.target).view, sorted(sources), ways.over))
    return shown


def _sources_by_roles(kind: Kind) -> dict[tuple[str, str], list[str]]:
    """(by, not_by) of the steps that wait on a desk -> the states from which such a step leads, each once."""
    found: dict[tuple[str, str], list[str]] = {}
    for move in kind.moves:
        if move.desk and not move.code:
            states = found.setdefault((move.by, move.not_by), [])
            states += [s for s in move.sources if s not in states]
    return found


def separate(roles: Iterable[str], clearance: int) -> list[Any]:
    """What is wrong with a person holding these roles and this clearance (三员分立); empty when nothing is."""
    held = set(roles)
    wrong: list[Any] = []
    if len(held & set(SEPARATE)) > 1:
        wrong.append(_("系统管理员、安全保密员、安全审计员不得由同一人担任"))
    if held & BLIND and clearance > Level.PUBLIC:
        wrong.append(_("系统管理员与备份操作员不接触内容，可接触密级只能为“公开”"))
    if held & BLIND and held - BLIND - set(SEPARATE):
        wrong.append(_("系统管理员与备份操作员不得兼任业务角色"))
    return wrong
