"""The worker: two lanes side by side. What people wait for (index, reminders) never waits for what takes long (reading
files, backups). Everything it does is promised in the database, so it may be killed at any moment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from flask import Flask

from ..extensions import db
from ..house import House
from ..settings import EXTRACT_LEASE
from ..verbs import in_force
from . import alarm, extract, forget, index, tick
from .outbox import Topic, drain, each

log = logging.getLogger("intranet.jobs")

QUICK = {
    t.name: t
    for t in (
        index.TOPIC,
        Topic("reindex_repository", each(index.repository)),
        Topic("alarm", each(alarm.sound), batch=20),
        Topic("shred", each(alarm.shred), batch=20),
        Topic(
            "forget", each(forget.text), batch=20, seconds=300
        ),  # after `index`: what is dead must be known
    )
}
SLOW = {t.name: t for t in (Topic("extract", each(extract.read), batch=1, seconds=EXTRACT_LEASE),)}
TURN = (
    300  # seconds of reading files after which backups and checks have their turn: a pile of scans takes days
)
IDLE_ROUND = 4  # the long lane looks around this many times more seldom
PATIENCE = 20  # seconds that the long lane has to come to an end when told to stop


def quick(house: House, stop: Event | None = None) -> dict[str, int]:
    """One round of the short lane."""
    done = drain(house, QUICK, stop) | tick.run(house, tick.QUICK, stop)
    tick.always(house)
    return done


def slow(house: House, stop: Event | None = None) -> dict[str, int]:
    """One round of the long lane. It rests where this process's store is no longer the one in force."""
    if not in_force.here(db.session(), house):
        return {}
    done = drain(house, SLOW, stop, TURN) | tick.run(house, tick.SLOW, stop)
    if not (stop is not None and stop.is_set()) and (count := tick.long_work(house)):
        done["backup"] = count
    return done


def _wake(house: House) -> None:
    """A restored office has no index and no texts of files: both are made anew. What a killed worker left in memory goes."""
    extract.tidy()
    if index.wake(house):
        extract.again(house)


def once(house: House) -> dict[str, int]:
    """Everything that is due now, also what that makes due (a file's text, then its entry). What was done."""
    total: dict[str, int] = {}
    _wake(house)
    while True:
        done = quick(house)
        for name, n in (slow(house) | quick(house)).items():
            done[name] = done.get(name, 0) + n
        for name, n in done.items():
            total[name] = total.get(name, 0) + n
        if not done:
            return total


def forever(app: Flask, house: House, stop: Event) -> None:
    """Both lanes until `stop` is set; then each ends its row and lets go."""
    log.info("worker.start")
    with app.app_context():
        _wake(house)
        db.session.remove()
    long_lane = Thread(
        target=_lane, args=(app, house, slow, stop, house.settings.worker_seconds * IDLE_ROUND), daemon=True
    )
    long_lane.start()
    _lane(app, house, quick, stop, house.settings.worker_seconds)
    long_lane.join(PATIENCE)  # what is still running then is killed with us and done again by the next worker
    log.info("worker.stop", extra={"waited": not long_lane.is_alive()})


def _lane(
    app: Flask, house: House, round_: Callable[[House, Event], dict[str, int]], stop: Event, pause: float
) -> None:
    """Round after round. A round that fails (database away) is told and tried again after a longer pause."""
    while not stop.is_set():
        wait = pause
        with app.app_context():
            try:
                done = round_(house, stop)
                if done:
                    log.info("round", extra={"did": done})
                if any(not name.endswith("!") for name in done):
                    wait = min(pause, 0.05)  # there was work: look again at once
            except Exception:  # the worker outlives whatever a round meets
                log.exception("round.failed")
                wait = max(pause, 5.0)
            finally:
                db.session.remove()
        stop.wait(wait)
