"""What documents and material records share: they are kept in places, in copies, lent, circulated, inspected and disposed of
(REQUIREMENTS A3, A4; seeds L38-56). A state of the item sums up its copies: in, while at least one is."""

from flask_babel import lazy_pgettext

from .base import Clock, Move, State, _, options

RETENTION = options(("y10", _("10 年")), ("y30", _("30 年")), ("forever", _("永久")))
FREQUENCY = options(("rare", _("极低")), ("low", _("较低")), ("high", _("较高")), ("daily", _("常常")))

STATES = [
    State("held", _("在库"), view="staff member custodian", edit="custodian", tone="good"),
    State("lent", lazy_pgettext("state", "借出"), view="staff member custodian", edit="", tone="soon"),
    State("returned", _("待核验"), view="staff member custodian", edit="", tone="waiting"),
    State("missing", _("下落不明"), view="custodian lead", edit="", tone="late"),
    State("disposal", _("待处置"), view="custodian lead leader", edit="", tone="soon"),
    State("destroyed", _("已销毁"), view="custodian lead leader", tone="neutral", final=True),
    State("transferred", _("已移交归档"), view="custodian lead leader", tone="neutral", final=True),
]
MOVES = [
    Move("lend", "held", "lent", title=_("借出"), by="custodian", code=True),
    Move("return", "lent", "returned", title=_("归还"), by="custodian", code=True),
    Move("check", "returned", "held", title=_("核验入库"), by="custodian", code=True),
    Move("lose", "held lent returned", "missing", title=_("登记遗失"), by="custodian", code=True, desk=False, reason=True),
    Move("find", "missing", "held", title=_("找回入库"), by="custodian", code=True, desk=False),
    # The end goes through a disposal list (verbs/disposal.py); from the page of a file it is a list of one.
    Move("propose_destroy", "held", "disposal", title=_("提请销毁"), by="custodian", reason=True, code=True, desk=False, confirm=_("另一人批准、再两人签字后才会销毁；提请后不能再借出。")),
    Move("propose_transfer", "held", "disposal", title=_("提请移交"), by="custodian", reason=True, code=True, desk=False, confirm=_("另一人批准、档案部门接收后才会移交；提请后不能再借出。")),
    Move("keep", "disposal", "held", title=_("不予处置"), by="lead leader", reason=True, code=True, desk=False),
    Move("transfer", "disposal", "transferred", title=_("移交归档"), by="custodian lead leader", stamps=["disposed"], code=True, desk=False, reason=True),
    Move("destroy", "disposal", "destroyed", title=_("销毁"), by="custodian lead leader", asks=["witness"], stamps=["disposed"], code=True, desk=False, reason=True, tone="danger", confirm=_("销毁后正文密钥一并销毁，任何备份都无法再读出；编号与登记永久保留。")),
]  # fmt: skip
CLOCKS = [
    Clock("review", state="held", after="review", tell="custodian", title=_("待复核密级")),
]
