"""信息资源: the catalogue (FEATURES rows 1-6; seeds L106, L113-117, L122, L125)."""

from .base import (
    Choice,
    Clock,
    Data,
    Date,
    Files,
    Kind,
    LongText,
    Move,
    PlaceRef,
    State,
    Text,
    Vocabulary,
    _,
    options,
)

# By business (seeds L106); 其他 is extended by the office with sub-classes of its own.
CLASS_BUSINESS = options(
    ("equipment", _("设备资料信息")),
    ("purchase", _("物资采购信息")),
    ("maintenance", _("维修保养信息")),
    ("contract", _("合同管理信息")),
    ("personnel", _("人员管理信息")),
    ("finance", _("财务管理信息")),
    ("other", _("其他相关信息")),
)
# By management (seeds L114-117).
CLASS_MANAGEMENT = options(
    ("administration", _("行政管理类")),
    ("facility", _("设施设备管理类")),
    ("procurement", _("物资采购管理类")),
    ("service", _("服务管理类")),
)
DEFAULT_MANAGEMENT = {
    "equipment": "facility",
    "purchase": "procurement",
    "maintenance": "facility",
    "contract": "procurement",
    "personnel": "administration",
    "finance": "administration",
    "other": "administration",
}


def paper_has_a_place(data: Data) -> object:
    """Paper without a place is refused (row 4)."""
    if data.get("medium") == "paper" and not data.get("place"):
        return _("纸质资料须填写存放位置")
    return None


RESOURCE = Kind(
    "resource",
    _("信息资源"),
    number="ZY-{year}-{seq:05}",
    icon="books",
    group="catalogue",
    about=_("制度、规程、合同、设备与服务资料的统一目录"),
    repositories=True,
    guard=paper_has_a_place,
    levels=(0, 1, 2),
    comments="staff",
    fields=[
        Choice("business", _("业务分类"), CLASS_BUSINESS, required=True, facet=True, column=True, group=_("分类")),
        Choice("management", _("管理分类"), CLASS_MANAGEMENT, required=True, facet=True, group=_("分类")),
        Vocabulary("subclass", _("子类"), "subclass", facet=True, column=True, group=_("分类")),
        Choice("medium", _("载体"), options(("electronic", _("电子")), ("paper", _("纸质"))), required=True, facet=True, group=_("载体与来源")),
        Choice("form_kind", _("形式"), options(("text", _("文字")), ("data", _("数据")), ("sound", _("声音")), ("image", _("图片"))), facet=True, group=_("载体与来源")),
        PlaceRef("place", _("存放位置"), group=_("载体与来源"), help=_("纸质资料必填")),
        Choice("source", _("来源"), options(("survey", _("调查问卷")), ("document", _("文件资料")), ("minutes", _("会议记录")), ("other", _("其他"))), facet=True, group=_("载体与来源")),
        Date("issued", _("版本日期"), sort=True, column=True, group=_("内容")),
        Text("keywords", _("关键词"), search=True, group=_("内容")),
        LongText("body", _("正文"), search=True, markup=True, group=_("内容")),
        Files("files", _("附件")),
        Date("review", _("下次复核"), sort=True, group=_("维护"), help=_("到期后提醒经办人核对内容是否仍然有效")),
    ],
    states=[
        State("current", _("有效"), view="staff lead info_officer", edit="owner lead info_officer", tone="good"),
        State("withdrawn", _("已停用"), view="lead info_officer", edit="owner lead info_officer", tone="neutral"),
    ],
    moves=[
        Move("withdraw", "current", "withdrawn", title=_("停用"), by="owner lead", reason=True, desk=False, tone="danger", confirm=_("停用后，其他人将无法再查到这条信息资源。")),
        Move("restore", "withdrawn", "current", title=_("恢复"), by="owner lead", desk=False, tone="primary"),
    ],
    clocks=[Clock("review", state="current", after="review", tell="owner", title=_("待复核"))],
)  # fmt: skip
