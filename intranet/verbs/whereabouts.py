"""The state of a file follows its copies: after each change of one, `settle` says anew what all together are."""

from __future__ import annotations

from ..models import Item
from ..work import Work
from . import copies, items


def settle(w: Work, item: Item, step: str) -> None:
    """Sum up the copies. `step` is the move that is written where the state changes by it. A file that waits for disposal, or is
    disposed of, does not change by its copies."""
    kind = w.house.kinds[item.kind]
    moves = {m.name for m in kind.moves_from(item.state)}
    if not moves & {"lend", "return", "check", "lose", "find"}:
        return
    w.session.flush()
    now = copies.summary(c.state for c in copies.of_item(w.session, item.id))
    if now and now != item.state:
        item.state, item.previous_id = now, w.actor.id
        items.saved(w, kind, item, step, "")
    else:
        w.reindex(item.id)
