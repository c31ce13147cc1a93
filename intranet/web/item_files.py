"""The files of an item as its page shows them: what opens now, and what would open the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _

from ..actor import Actor
from ..extensions import db
from ..house import House
from ..models import Blob
from ..policy import Permission, Standing
from ..verbs import deposits
from . import files as bodies
from .text_words import Said, said


@dataclass(frozen=True)
class FileRow:
    """One file: `ok` when it opens now; else `why`, and `way`: loan, factor or room (see there), what would open it. `said`: what
    became of its text. `in_page`: read in pages that we make; `saves`: may be kept."""

    blob: Blob
    ok: bool
    why: Any
    way: str
    inline: bool
    said: Sequence[Said]
    in_page: bool = False
    saves: bool = True


def file_rows(home: House, actor: Actor, s: Standing) -> list[FileRow]:
    """The files in order of deposit. One statement; what one may do is the same for all of an item."""
    decision = home.policy.decide(actor, Permission.BODY_OPEN, s)
    with_loan = home.policy.decide(actor, Permission.BODY_OPEN, replace(s, loan=True)).ok
    freshly = home.policy.decide(replace(actor, fresh=True), Permission.BODY_OPEN, s).ok
    way = "" if decision.ok else "factor" if freshly else "loan"
    if (
        way == "loan"
        and not with_loan
        and not home.policy.decide(replace(actor, fresh=True), Permission.BODY_OPEN, replace(s, loan=True)).ok
    ):
        way = "room" if home.policy.in_page(s.item) else ""
    gone = (
        _("正文已随移交归档销毁，只保留登记")
        if s.item.state == "transferred"
        else _("正文已销毁，只保留登记")
    )
    in_page, saves = home.policy.in_page(s.item), home.policy.decide(actor, Permission.BODY_SAVE, s).ok
    return [
        FileRow(
            b,
            decision.ok and b.state == "stored",
            gone if b.state == "destroyed" else decision.why,
            "" if b.state == "destroyed" else way,
            bool(bodies.shows_inline(b.mime)),
            said(b.text_note, b.mime) if b.state == "stored" else (),
            in_page,
            saves,
        )
        for b in deposits.files(db.session(), s.item.id)
    ]
