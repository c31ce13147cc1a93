"""The right to do a job: a row that says who may, until when. A holder that died loses it, at once where that can be seen.

Several workers on several hosts may run: each asks before it works, and only one is told yes.
"""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from .. import work
from ..actor import Actor, system
from ..errors import Conflict
from ..house import House
from ..models import Lease
from ..work import Work

WORKER = system("worker", "worker")
_MINE = f"{socket.gethostname()[:40]}/{os.getpid()}/{secrets.token_hex(4)}"


def holder() -> str:
    """This process, told from any other on any host, also from one that will get its number later."""
    global _MINE  # noqa: PLW0603  a forked process is another holder
    host, pid, _rest = _MINE.rsplit("/", 2)
    if pid != str(os.getpid()):
        _MINE = f"{host}/{os.getpid()}/{secrets.token_hex(4)}"
    return _MINE


def take(house: House, name: str, seconds: float, *, who: str = "", actor: Actor = WORKER) -> bool:
    """Whether the job is ours for the next `seconds`. Taking what is ours already prolongs it."""
    try:
        return _take(house, name, seconds, who or holder(), actor)
    except Conflict:  # two workers made the row of a new job in the same moment: the other one has it
        return False


def _take(house: House, name: str, seconds: float, who: str, actor: Actor) -> bool:
    with work.begin(house, actor) as w:
        lease = w.session.get(Lease, name, populate_existing=True)
        if lease is None:
            w.session.add(Lease(name=name, holder=who, until=w.now + timedelta(seconds=seconds)))
            return True
        free = or_(Lease.until.is_(None), Lease.until <= w.now, Lease.holder == who)
        if _dead(lease.holder):
            free = or_(free, Lease.holder == lease.holder)
        taken = w.session.execute(
            update(Lease)
            .where(Lease.name == name, free)
            .values(holder=who, until=w.now + timedelta(seconds=seconds))
            .execution_options(synchronize_session=False)
        )
        return bool(taken.rowcount)


def free(session: Session, house: House, name: str) -> bool:
    """Whether nobody does the job: a look only, `take` decides."""
    lease = session.get(Lease, name, populate_existing=True)
    return lease is None or lease.until is None or lease.until <= house.clock() or _dead(lease.holder)


def held(w: Work, name: str, who: str = "") -> bool:
    """Whether the job is still ours, inside the transaction that ends it."""
    lease = w.session.get(Lease, name, with_for_update=True, populate_existing=True)
    return lease is not None and lease.holder == (who or holder()) and (lease.until or w.now) > w.now


def release(w: Work, name: str, *, error: str = "", next_run: datetime | None = None) -> None:
    """Done for now: when it ran well or what went wrong, and when it is due again."""
    lease = w.session.get_one(Lease, name)
    lease.until, lease.last_error, lease.next_run = None, error[:500], next_run
    if not error:
        lease.last_ok = w.now


def give_back(
    house: House, name: str, *, error: str = "", next_run: datetime | None = None, actor: Actor = WORKER
) -> None:
    """`release` in a transaction of its own; nothing where somebody else has taken the job over."""
    with work.begin(house, actor) as w:
        if held(w, name):
            release(w, name, error=error, next_run=next_run)


def _dead(who: str) -> bool:
    """Whether a holder is certainly gone: a process of this host that is no longer there (kill -9, power cut)."""
    host, _, rest = who.rpartition("/")[0].rpartition("/")
    if host != socket.gethostname()[:40] or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(rest) == os.getpid() and who != holder()
