"""ALL permission decisions, one rule with three faces (ARCHITECTURE §5).

    clearance >= level AND (owner, or grant, or the kind's state gives it to a role that the person holds in that unit)

`decide` answers for one thing, `visible` and `waiting` as SQL criteria, `tokens`/`labels` for the search index. A property
test holds the faces equal. Deny by default: what no line below allows is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, and_, exists, false, literal, or_, true

from vault.levels import Level

from .actor import BLIND, SEPARATE, Actor
from .errors import Denied
from .kinds.base import ITEM_ROLES, Field, Kind, Move, State
from .kinds.registry import Registry
from .models import Grant, Item

BODY_LOAN_LEVEL = Level.CONFIDENTIAL  # 秘密 and up: a body is read on a live loan only
BODY_FRESH_LEVEL = Level.SECRET  # 机密 and up: and after a fresh second factor
BODY_TWO_LEVEL = Level.TOPSECRET  # 绝密: and when a second person has agreed
DECIDERS = (
    "custodian",
    "lead",
    "leader",
)  # give a second person's word, never on what they asked for themselves

#: A moment, or a bind parameter for one: a statement that is kept for the next request names the moment when it is sent.
When = datetime | ColumnElement[datetime]


class Permission(StrEnum):
    """Every permission there is, `thing:action`. A typo cannot exist."""

    APPROVAL_DECIDE = "approval:decide"
    AUDIT_READ = "audit:read"
    BACKUP_RUN = "backup:run"
    BODY_BREAK = "body:break"
    BODY_OPEN = "body:open"
    BODY_PERMIT = "body:permit"
    BODY_REVIEW = "body:review"
    BODY_SAVE = "body:save"
    CLEARANCE_SET = "clearance:set"
    COMPLAINT_SUBMIT = "complaint:submit"
    COPY_ADD = "copy:add"
    HOLD_SET = "hold:set"
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
    LOAN_APPLY = "loan:apply"
    LOAN_CHECK = "loan:check"
    LOAN_DECIDE = "loan:decide"
    LOAN_RETURN = "loan:return"
    OFFICE_SET = "office:set"
    OPS_VIEW = "ops:view"
    PEOPLE_SET = "people:set"
    PEOPLE_VIEW = "people:view"
    PLACE_SET = "place:set"
    SEARCH = "search:use"


@dataclass(frozen=True, slots=True)
class Decision:
    """`hidden`: not even that the thing exists may be known (404, not 403)."""

    ok: bool
    why: Any = ""
    hidden: bool = False


YES = Decision(True)
HIDDEN = Decision(False, _("没有这条记录，或您无权知悉"), hidden=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """An item with what policy must know besides its row: who holds which role on it, this actor's live loan, whether its time
    has run out (`Policy.ended`), whether it is on hold.

    `saves`: the loan also allows to keep the body; `second`: a second person has agreed that this actor reads now; `glass`: this
    actor has broken the glass. `asker`: who asked for what is to be decided."""

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
        PEOPLE_SET and CLEARANCE_SET, else None."""
        if isinstance(thing, Standing):
            return self._on_item(actor, permission, thing, move)
        match permission:
            case Permission.COMPLAINT_SUBMIT:
                return YES
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
            case Permission.BACKUP_RUN:
                return self._role(actor, "backup_operator")
            case Permission.OPS_VIEW:
                return self._role(actor, "backup_operator", "sysadmin")
            case Permission.OFFICE_SET:
                return self._role(actor, "sysadmin")
            case Permission.PLACE_SET:
                return self._role(actor, "sysadmin", "custodian")
            case Permission.PEOPLE_VIEW:
                return self._role(actor, "staff", "sysadmin", "security_officer")
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
            return Decision(False, _("系统本身不打开正文")) if permission is Permission.BODY_OPEN else YES
        if not self.sees(actor, s):
            return HIDDEN
        item, kind = s.item, self.kinds[s.item.kind]
        state = kind.state(item.state)
        custodian = actor.has("custodian", item.unit_id)
        match permission:
            case Permission.ITEM_VIEW | Permission.ITEM_EXPORT:
                return YES
            case (
                Permission.ITEM_EDIT | Permission.ITEM_ATTACH | Permission.ITEM_MOVE | Permission.ITEM_LEVEL
            ) if s.hold:
                return Decision(False, _("此文件已冻结，解除前不得更改或处置"))
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
                    actor, s, ["custodian"] if kind.loans else ["owner", "lead"], _("您不能更改知悉范围")
                )
            case Permission.ITEM_LEVEL:
                return self._asked(
                    actor, s, ["custodian"] if kind.loans else ["owner", "lead"], _("您不能更改密级")
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
            case Permission.COPY_ADD | Permission.ITEM_INSPECT:
                return YES if custodian and kind.loans else Decision(False, _("只有保管员可以办理"))
            case Permission.LOAN_APPLY:
                return YES if kind.loans and not state.final else Decision(False, _("此文件不可借阅"))
            case Permission.LOAN_DECIDE | Permission.LOAN_CHECK:
                if s.borrower is not None and s.borrower == actor.id:
                    return Decision(False, _("任何人不得审批、核验自己的借阅"))
                return YES if custodian else Decision(False, _("只有保管员可以办理"))
            case Permission.LOAN_RETURN:
                return (
                    YES
                    if custodian or s.borrower == actor.id
                    else Decision(False, _("只有借阅人或保管员可以归还"))
                )
        return Decision(False, _("没有这项权限"))

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
