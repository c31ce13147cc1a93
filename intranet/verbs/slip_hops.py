"""文件传递单 on its way: hand over -> sign for -> ... -> return -> check (seeds L49-51; FEATURES rows 73-76, N10). Each hop takes two
signatures, each in its own session: until the taker has signed, the giver has the copy and answers for it."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _

from ..actor import Actor
from ..errors import Conflict, Denied, Invalid
from ..models import Hop, Slip
from ..models import Person as PersonRow
from ..policy import Permission
from ..work import Work
from . import copies, inspecting, people, slip_base, whereabouts
from .slip_base import Held


def give(w: Work, number: str, taker_id: int, *, condition: str = "") -> Hop:
    """Whoever has the copy (at first the custodian) offers it to one person, who signs for it with `take`."""
    held = slip_base.locked(w, number, Permission.SLIP_GIVE, "moving")
    if held.offer is not None:
        raise Conflict(_("文件已交出，正等待签收；可先收回再交给他人"), item=held.item.id)
    taker = _somebody(w, held, taker_id)
    _demand(w, held, w.actor, taker, Permission.SLIP_GIVE)
    hop = Hop(
        slip_id=held.slip.id,
        seq=len(held.hops) + 1,
        giver_id=w.actor.id,
        taker_id=taker_id,
        given=w.now,
        condition=_seen(condition),
    )
    w.session.add(hop)
    w.session.flush()
    w.record("slip.give", held.item, detail={"slip": number, "hop": hop.seq, "taker": taker.login})
    return hop


def _somebody(w: Work, held: Held, person_id: int) -> Actor:
    """The standing of the taker now. Nobody known is nobody in the scope."""
    row = w.session.get(PersonRow, person_id)
    if row is None or not row.active:
        raise Denied(_("接收人不在传递范围内"), permission=Permission.SLIP_GIVE.value, thing=held.s)
    return people.actor_of(w.session, row)


def _demand(w: Work, held: Held, giver: Actor, taker: Actor, permission: Permission) -> None:
    """The rules of one hop, asked when it is offered and again when it is signed for."""
    slip, policy = held.slip, w.house.policy
    today: date = w.today
    decision = policy.hop(giver, taker, held.s, over=slip.ends is not None and slip.ends < today)
    if not decision.ok:
        raise Denied(decision.why, permission=permission.value, thing=held.s)
    if taker.has("custodian", held.item.unit_id):
        return
    if slip.starts is not None and today < slip.starts:
        raise Conflict(_("传递周期尚未开始"), item=held.item.id)
    if taker.id is not None and slip_base.late_loan(w.session, taker.id, today):
        raise Denied(_("接收人有逾期未还的借阅，归还后方可接收"), permission=permission.value, thing=held.s)
    if taker.id is not None and slip_base.overdue(w.session, taker.id, today):
        raise Denied(
            _("接收人有逾期未还的传递文件，归还后方可接收"), permission=permission.value, thing=held.s
        )


def take(w: Work, number: str, *, back: bool = False, condition: str = "") -> Hop:
    """The taker signs: from now on the copy is theirs to answer for. `back`: the custodian puts it into its place, the round is over."""
    held = slip_base.locked(w, number, Permission.SLIP_TAKE, "moving")
    slip, hop = held.slip, _offered(held)
    giver = people.actor_of(w.session, w.session.get_one(PersonRow, hop.giver_id))
    _demand(w, held, giver, w.actor, Permission.SLIP_TAKE)
    custodian = w.actor.has("custodian", held.item.unit_id)
    if back and (not custodian or slip.holder_id is None):
        raise Denied(_("只有保管员可以收回"), permission=Permission.SLIP_TAKE.value, thing=held.s)
    hop.taken, hop.back = w.now, back
    hop.condition = _both(hop.condition, condition)
    detail = {"slip": number, "hop": hop.seq, "giver": giver.login, "condition": hop.condition}
    w.record("slip.take", held.item, detail=detail)
    if back:
        _returned(w, held, hop.giver_id)
    else:
        slip.holder_id = w.actor.id
        slip_base.let_holder_in(w, held)
    return hop


def _offered(held: Held) -> Hop:
    """The hop that waits. Raises Conflict where none does."""
    if held.offer is None:
        raise Conflict(_("目前没有待签收的交接"), item=held.item.id)
    return held.offer


def refuse(w: Work, number: str, reason: str) -> Hop:
    """The taker does not take it, and says why: the copy stays with the giver."""
    held = slip_base.locked(w, number, Permission.SLIP_TAKE, "moving")
    if not reason.strip():
        raise Invalid({"reason": _("请说明理由")})
    hop = _offered(held)
    hop.refused, hop.condition = w.now, _("拒收：%(why)s", why=reason.strip())[:300]
    w.record("slip.refuse", held.item, detail={"slip": number, "hop": hop.seq, "reason": reason.strip()})
    return hop


def recall(w: Work, number: str) -> Hop:
    """The giver takes the offer back, before it was signed for."""
    held = slip_base.locked(w, number, Permission.SLIP_GIVE, "moving")
    hop = _offered(held)
    hop.refused, hop.condition = w.now, _("交出人收回")
    w.record("slip.recall", held.item, detail={"slip": number, "hop": hop.seq})
    return hop


def put_back(w: Work, number: str) -> Slip:
    """The custodian who has the copy in hand puts it into its place: another custodian checks."""
    held = slip_base.locked(w, number, Permission.SLIP_RETURN, "moving")
    if held.offer is not None:
        raise Conflict(_("文件已交出，正等待签收；可先收回再交给他人"), item=held.item.id)
    _returned(w, held, w.actor.id or 0)
    return held.slip


def recover(w: Work, number: str, reason: str) -> Slip:
    """The custodian fetches the copy from whoever can no longer sign: has left, or is no longer cleared. Another custodian checks."""
    held = slip_base.locked(w, number, Permission.SLIP_RECOVER, "moving")
    holder = w.session.get(PersonRow, held.slip.holder_id) if held.slip.holder_id else None
    if holder is None:
        raise Conflict(_("文件在原处，无须收回"), item=held.item.id)
    if holder.active and w.house.policy.sees(people.actor_of(w.session, holder), held.s):
        raise Denied(
            _("持有人可以签字交还，不得代办"), permission=Permission.SLIP_RECOVER.value, thing=held.s
        )
    if not reason.strip():
        raise Invalid({"reason": _("请说明理由")})
    if (waits := held.offer) is not None:
        waits.refused = w.now
    hop = Hop(
        slip_id=held.slip.id, seq=len(held.hops) + 1, giver_id=holder.id, taker_id=w.actor.id, given=w.now, taken=w.now,
        condition=_("保管员收回：%(why)s", why=reason.strip())[:300], back=True,
    )  # fmt: skip
    w.session.add(hop)
    w.record(
        "slip.recover", held.item, detail={"slip": number, "giver": holder.login, "reason": reason.strip()}
    )
    _returned(w, held, w.actor.id or 0)
    return held.slip


def _returned(w: Work, held: Held, by: int) -> None:
    """The copy is back and waits for the check; with the paper went the right to know."""
    slip = held.slip
    copy = copies.lock(w, slip.copy_id)
    copies.turn(w, copy, "returned")
    slip.state, slip.holder_id, slip.returned, slip.returned_by = "returned", None, w.now, by
    slip_base.shut_out(w, held)
    whereabouts.settle(w, held.item, "return")
    w.record("slip.return", held.item, detail={"slip": slip.number, "copy": copy.number})


def check(w: Work, number: str, *, result: str) -> Slip:
    """A custodian who was not the last to hold it looks it through; only this closes a slip (FEATURES row 74)."""
    held = slip_base.locked(w, number, Permission.SLIP_CHECK, "returned")
    if not result.strip():
        raise Invalid({"result": _("请填写检查结果，例如：完好、页数相符")})
    slip = held.slip
    copy = copies.lock(w, slip.copy_id)
    copies.turn(w, copy, "held")
    copy.inspected = w.today
    slip.state, slip.checked, slip.checker_id = "closed", w.now, w.actor.id
    slip.result = result.strip()[:300]
    whereabouts.settle(w, held.item, "check")
    w.record("slip.check", held.item, detail={"slip": number, "copy": copy.number, "condition": slip.result})
    return slip


def lost(w: Work, number: str, what: str) -> Slip:
    """It is not to be found: said by whoever has it, or by the custodian. The copy is missing, the slip ends so, an incident opens."""
    held = slip_base.locked(w, number, Permission.SLIP_LOSE, "moving", "returned")
    if not what.strip():
        raise Invalid({"reason": _("请说明经过：何时何地、最后见到文件的人")})
    slip = held.slip
    if (waits := held.offer) is not None:
        waits.refused = w.now
    copy = copies.lock(w, slip.copy_id)
    copies.turn(w, copy, "missing")
    slip.state, slip.holder_id, slip.said = "lost", None, what.strip()[:300]
    slip_base.shut_out(w, held)
    whereabouts.settle(w, held.item, "lose")
    w.record("slip.lost", held.item, detail={"slip": number, "copy": copy.number, "reason": slip.said})
    how = _("由文件传递单 %(number)s 传递途中遗失", number=number)
    inspecting.missing(w, held.item, copy, how=how, note=slip.said)
    return slip


def _seen(condition: str) -> str:
    return condition.strip()[:140] or _("完好")


def _both(given: str, taken: str) -> str:
    """What both signed for; where the taker saw something else, both words."""
    taken = _seen(taken)
    return given if given == taken else _("交出：%(given)s；接收：%(taken)s", given=given, taken=taken)
