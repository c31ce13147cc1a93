"""投诉: numbered at receipt, seen by its handlers only, followed by a private code (A9; seeds L181-196)."""

from flask_babel import lazy_pgettext

from .base import Choice, Clock, Data, DateTime, Files, Kind, LongText, Move, Person, State, Text, _, options

CHANNEL = options(
    ("web", _("网络")),
    ("phone", _("电话")),
    ("letter", _("信箱")),
    ("mail", _("邮件")),
    ("box", _("建议箱")),
    ("visit", _("来访")),
)
TOPIC = options(
    ("canteen", _("食堂餐饮")),
    ("dormitory", _("宿舍住宿")),
    ("repair", _("维修服务")),
    ("utilities", _("水电暖")),
    ("environment", _("环境卫生")),
    ("vehicle", _("车辆交通")),
    ("conduct", _("服务态度")),
    ("other", _("其他")),
)


def answered(data: Data) -> object:
    """Closing without telling the complainant is refused (seeds L185)."""
    return None if data.get("reply") else _("办结前须向投诉人反馈处理结果")


COMPLAINT = Kind(
    "complaint",
    _("投诉"),
    number="TS-{year}-{seq:05}",
    icon="message-report",
    fresh=60,
    group="business",
    about=_("受理、调查、反馈与追踪；除处理人员外任何人不可见"),
    levels=(1,),
    default_level=1,
    need_to_know=0,
    add="",  # handed in by `verbs.complaints.submit` only, with its private code
    comments="complaint_handler handler",
    title_label=_("事由"),
    fields=[
        Choice("topic", _("类别"), TOPIC, required=True, facet=True, column=True),
        LongText("statement", _("情况描述"), required=True, search=True, max=20_000),
        Text("where", _("地点"), search=True, column=True),
        DateTime("when", _("发生时间"), past=True),
        Text("name", _("姓名"), view="complaint_handler", help=_("可不填；匿名也能凭查询码跟踪")),
        Text("contact", _("联系方式"), view="complaint_handler"),
        Choice("channel", _("渠道"), CHANNEL, facet=True),
        Files("evidence", _("证据材料")),
        Person("handler", _("处理人"), gives="handler", having="complaint_handler", form=False, column=True),
        DateTime("due", _("办理时限"), form=False),
        LongText("findings", _("调查情况"), form=False),
        LongText("reply", _("答复"), form=False),
    ],
    states=[
        State("registered", _("已登记"), view="complaint_handler", tone="waiting"),
        State("supplement", _("待补正"), view="complaint_handler", tone="soon"),
        State("investigating", _("调查中"), view="complaint_handler", tone="waiting"),
        State("answered", _("已答复"), view="complaint_handler", tone="good"),
        State("declined", lazy_pgettext("state", "不予受理"), view="complaint_handler", tone="late", final=True),
        State("closed", _("已办结"), view="complaint_handler", tone="good", final=True),
    ],
    moves=[
        Move("accept", "registered supplement", "investigating", title=_("受理"), by="complaint_handler", asks=["handler", "due"], tone="primary"),
        Move("supplement", "registered", "supplement", title=_("要求补正"), by="complaint_handler", reason=True, desk=False),
        Move(
            "supplied", "supplement", "registered", title=_("已补正"), by="complaint_handler", code=True, desk=False, reason=True
        ),
        Move("decline", "registered supplement", "declined", title=_("不予受理"), by="complaint_handler", reason=True, desk=False, tone="danger", confirm=_("理由将告知投诉人。")),
        Move("answer", "investigating", "answered", title=_("答复"), by="handler", asks=["findings", "reply"], guard=answered, tone="primary"),
        Move("reopen", "answered", "investigating", title=_("重新调查"), by="complaint_handler handler", reason=True, desk=False),
        Move("close", "answered", "closed", title=_("办结"), by="complaint_handler handler", guard=answered, tone="primary"),
    ],
    clocks=[Clock("due", state="investigating", after="due", tell="handler complaint_handler", title=_("办理时限"))],
)  # fmt: skip
