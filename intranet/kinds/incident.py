"""安全事件: what went wrong in keeping, from the finding to the measure that mends it (REQUIREMENTS A3; seeds L44, L167-175; row 160).

The product opens one by itself for each copy that is found missing. Its level and unit are those of the document, its title names
the number only: whoever may not know of the document's level does not learn of it here.
"""

from .base import Data, DateTime, Files, Kind, LongText, Move, State, Text, _

VIEW = "custodian lead security_officer"


def cause_known(data: Data) -> object:
    """What is to be mended is found out first."""
    return None if data.get("cause") else _("整改前须查明原因")


def mended(data: Data) -> object:
    """Closing without cause and measure is refused (row 160)."""
    return None if data.get("cause") and data.get("measure") else _("结案前须写明原因与整改措施")


INCIDENT = Kind(
    "incident",
    _("安全事件"),
    number="AQ-{year}-{seq:04}",
    icon="alert-triangle",
    fresh=180,
    group="business",
    about=_("文件下落不明、损坏、外泄等情况的登记、调查与整改"),
    levels=(1, 2, 3, 4),
    default_level=1,
    need_to_know=2,
    follows=True,
    add=VIEW,
    comments=f"owner {VIEW}",
    title_label=_("事由"),
    fields=[
        DateTime("found_at", _("发现时间"), required=True, past=True, sort=True, column=True),
        Text("where", _("发现地点"), required=True, search=True, column=True),
        LongText("what", _("情况"), required=True, search=True, max=20_000),
        LongText("taken", _("已采取的措施"), max=20_000),
        Files("evidence", _("证据材料")),
        LongText("cause", _("原因"), form=False, search=True, max=20_000),
        LongText("measure", _("整改措施"), form=False, search=True, max=20_000),
    ],
    states=[
        State("registered", _("已登记"), view=VIEW, edit=f"owner {VIEW}", tone="late"),
        State("investigating", _("调查中"), view=VIEW, edit=f"owner {VIEW}", tone="waiting"),
        State("mending", _("整改中"), view=VIEW, edit="", tone="soon"),
        State("closed", _("已结案"), view=VIEW, tone="good", final=True),
    ],
    moves=[
        Move("investigate", "registered", "investigating", title=_("开始调查"), by=VIEW, tone="primary"),
        Move("mend", "investigating", "mending", title=_("查明原因"), by=VIEW, asks=["cause"], guard=cause_known, tone="primary"),
        Move("close", "mending", "closed", title=_("结案"), by=VIEW, not_by="owner", asks=["measure"], guard=mended, tone="primary"),
        Move("reopen", "mending", "investigating", title=_("重新调查"), by=VIEW, reason=True, desk=False),
    ],
)  # fmt: skip
