"""案卷: holds documents and material records. It takes the highest level inside, and those put into it later take its level
(REQUIREMENTS A3; seeds L37; FEATURES row 61). `verbs.bundles` keeps that."""

from .base import Choice, Kind, LongText, Move, PlaceRef, State, Text, _
from .kept import RETENTION

FOLDER = Kind(
    "folder",
    _("案卷"),
    number="{unit}-AJ-{year}-{seq:03}",
    icon="folder",
    group="business",
    about=_("把受控文件与资料归成卷；案卷随卷内最高密级，后归入的随案卷定级"),
    levels=(1, 2, 3, 4),
    default_level=1,
    need_to_know=2,
    dual=True,
    bundles=True,
    add="custodian",
    title_label=_("案卷题名"),
    fields=[
        Text("year", _("年度"), required=True, max=4, pattern=r"(19|20)\d\d", column=True, sort=True, group=_("标识")),
        Choice("retention", _("保管期限"), RETENTION, required=True, facet=True, column=True, group=_("标识")),
        PlaceRef("place", _("保管场所"), required=True, group=_("保管"), help=_("不得低于卷内最高密级的要求")),
        LongText("about", _("说明"), search=True, group=_("内容")),
    ],
    states=[
        State("open", _("立卷中"), view="staff member custodian", edit="custodian", tone="waiting"),
        State("closed", _("已结卷"), view="staff member custodian", edit="", tone="good"),
    ],
    moves=[
        Move("close", "open", "closed", title=_("结卷"), by="custodian", desk=False),
        Move("reopen", "closed", "open", title=_("重新立卷"), by="custodian", reason=True, desk=False),
    ],
)  # fmt: skip
