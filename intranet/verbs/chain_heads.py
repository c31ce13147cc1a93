"""Heads of the audit chain on paper: printed by the auditor, signed by a second person, entered again years later (row 96).

What was printed and who signed it is kept in the log itself: a table beside it would be one more thing to forge. A head on
paper proves the log up to its row: whoever rewrites or cuts the database afterwards contradicts it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from vault import chain

from .. import work
from ..actor import Actor
from ..errors import Conflict, Invalid, Missing
from ..extensions import db
from ..house import House
from ..models import Audit
from ..policy import Permission
from ..work import Work
from . import access, auditing

PRINTED, SIGNED, CHECKED = "audit.head_printed", "audit.head_signed", "audit.head_checked"
EVERY = timedelta(
    days=7
)  # what was written since the last sheet has no witness outside: a week is what an office will keep
CHECKS = 30  # within the lock-out time: each reads the log from its first row
SHOWN = 60  # more than a year of weekly sheets
TYPED = 8  # the last digits of the hash, which the second person reads from the sheet

MATCHES, CONTRADICTS, BEYOND = "matches", "contradicts", "beyond"


@dataclass(frozen=True)
class Sheet:
    """A printed head. `row`: the audit row that says so, by which it is named; `by`, `signed_by`: logins."""

    row: int
    seq: int
    hash: str
    at: datetime
    by: str
    signed_by: str = ""
    signed_at: datetime | None = None

    @property
    def code(self) -> str:
        """What stands in the QR code."""
        return f"audit-head:{self.seq}:{self.hash}:{self.at:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def groups(self) -> list[str]:
        """The hash in groups of eight, to be read aloud."""
        return [self.hash[at : at + 8] for at in range(0, len(self.hash), 8)]


def sheets(session: Session, limit: int = SHOWN) -> list[Sheet]:
    """The printed heads, newest first, each with its first signature. Two statements."""
    query = select(Audit).where(Audit.action == PRINTED, Audit.outcome == "ok")
    printed = list(session.scalars(query.order_by(Audit.seq.desc()).limit(limit)))
    if not printed:
        return []
    since = select(Audit).where(Audit.action == SIGNED, Audit.outcome == "ok", Audit.seq > printed[-1].seq)
    signed: dict[int, Audit] = {}
    for row in session.scalars(since.order_by(Audit.seq)):
        signed.setdefault(int(json.loads(row.detail)["sheet"]), row)
    return [_sheet(row, signed.get(row.seq)) for row in printed]


def _sheet(row: Audit, signed: Audit | None) -> Sheet:
    told = json.loads(row.detail)
    at = datetime.fromisoformat(row.at)
    found = Sheet(row.seq, int(told["seq"]), str(told["hash"]), at, row.actor)
    if signed is None:
        return found
    moment = datetime.fromisoformat(signed.at)
    return Sheet(row.seq, found.seq, found.hash, at, row.actor, signed.actor, moment)


def sheet(session: Session, row: int) -> Sheet:
    """One printed head by the audit row that tells of it. Raises Missing."""
    printed = session.get(Audit, row)
    if printed is None or printed.action != PRINTED or printed.outcome != "ok":
        raise Missing()
    signed = select(Audit).where(Audit.action == SIGNED, Audit.outcome == "ok", Audit.seq > row)
    mine = (s for s in session.scalars(signed.order_by(Audit.seq)) if json.loads(s.detail)["sheet"] == row)
    return _sheet(printed, next(mine, None))


def put_on_paper(w: Work) -> None:
    """The auditor prints the present head. That it was printed is the next row of the log."""
    w.house.policy.demand(w.actor, Permission.AUDIT_READ)
    head = auditing.head(w.session)
    if not head["seq"]:
        raise Conflict(_("日志还是空的"))
    w.record(PRINTED, detail=head)


def sign(w: Work, row: int, typed: str) -> Sheet:
    """A second person confirms the sheet: not who printed it, with the last digits of the hash as they stand on the paper.

    Raises Missing, Denied, Conflict (signed already, or the log does not hold this head any more), Invalid."""
    w.house.policy.demand(w.actor, Permission.AUDIT_CHECK)
    found = sheet(w.session, row)
    w.house.policy.demand(w.actor, Permission.AUDIT_SIGN, found.by)
    if found.signed_by:
        raise Conflict(_("这一链头已由他人签认"))
    if _hex(typed) != found.hash[-TYPED:]:
        raise Invalid({"typed": _("与打印件不符：请照纸面输入散列的末 %(n)s 位", n=TYPED)})
    if w.session.scalar(select(Audit.hash).where(Audit.seq == found.seq)) != found.hash:
        raise Conflict(_("日志与这一链头不符，请立即报告，不要签认"))
    w.record(SIGNED, detail={"sheet": row, "seq": found.seq, "hash": found.hash, "printed_by": found.by})
    return found


def due(session: Session, now: datetime) -> bool:
    """Whether the log has had no signed head on paper for a week."""
    newest = session.scalar(
        select(Audit.at)
        .where(Audit.action == SIGNED, Audit.outcome == "ok")
        .order_by(Audit.seq.desc())
        .limit(1)
    )
    return newest is None or now - datetime.fromisoformat(newest) > EVERY


def lived(session: Session, now: datetime) -> bool:
    """Whether the log is older than a week."""
    first = session.scalar(select(Audit.at).where(Audit.seq == 1))
    return first is not None and now - datetime.fromisoformat(first) > EVERY


# -- an old head, typed from paper ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Answer:
    """`verdict`: MATCHES (the log up to that row is the one that was printed), CONTRADICTS (it is another: rewritten) or BEYOND
    (the log ends before it: cut). `why`: a code of vault.chain where the log is not whole even in itself."""

    verdict: str
    seq: int
    hash: str
    last: int
    why: str = ""


def read(text: str) -> tuple[int, str]:
    """(seq, hash) of what was typed, scanned or pasted: `1234 abcdef01 …`, `1234:…`, or the text of the QR code. Groups, spaces,
    case, wide digits and the letters o, l, i for 0 and 1 are no mistakes. Raises Invalid."""
    plain = unicodedata.normalize("NFKC", text[:400]).strip().lower().removeprefix("audit-head:").strip()
    found = re.match(r"(\d{1,15})[\s:·,;/-]+([0-9a-foli\s·,.-]+)", plain)
    known = _hex(found[2]) if found else ""
    if found is None or int(found[1]) < 1 or len(known) != 64:
        raise Invalid({"head": _("请输入链头：先是行号，再是 64 位散列（数字与 a 至 f），空格与分组不限")})
    return int(found[1]), known


def _hex(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).lower().translate(str.maketrans("oli", "011"))
    return re.sub(r"[^0-9a-f]", "", plain)


def check(house: House, actor: Actor, text: str) -> Answer:
    """Compare a head from paper with the log: not with the one row alone, but with every row up to it. Each check is recorded,
    and few are allowed in a quarter of an hour. Nobody waits while the log is read. Raises Denied, Locked, Invalid."""
    with work.begin(house, actor) as w:
        house.policy.demand(actor, Permission.AUDIT_CHECK)
        access.guard(w, "head", actor.login, CHECKS)
        seq, known = read(text)
        access.tried(w, "head", actor.login)
    answer = compare(db.session(), seq, known)
    detail = {"seq": seq, "hash": known, "verdict": answer.verdict} | (
        {"why": answer.why} if answer.why else {}
    )
    with work.begin(house, actor) as w:
        w.record(CHECKED, outcome="ok" if answer.verdict == MATCHES else "alarm", detail=detail)
    return answer


def compare(session: Session, seq: int, known: str) -> Answer:
    """What the log says to a head that was kept elsewhere."""
    last = int(auditing.head(session)["seq"])
    if seq > last:
        return Answer(BEYOND, seq, known, last, chain.CUT)
    report = chain.verify(auditing.rows(session, upto=seq), [{"seq": seq, "hash": known}])
    return Answer(MATCHES if report.ok else CONTRADICTS, seq, known, last, report.why)


def recent(session: Session, limit: int = 10) -> Sequence[Audit]:
    """The latest checks, newest first."""
    return list(
        session.scalars(select(Audit).where(Audit.action == CHECKED).order_by(Audit.seq.desc()).limit(limit))
    )
