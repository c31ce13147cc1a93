"""通知公告: drafted, reviewed by the unit, then by the office, then published (row 7; seeds L5, L59-60).

Two people besides the drafter look at it: whoever drafted cannot review, whoever reviewed first cannot publish.
"""

from .base import Checks, Choice, Clock, Date, Files, Kind, LongText, Move, State, _, options

PUBLICATION = options(("web", _("网络信息")), ("news", _("新闻信息")), ("briefing", _("简报")))
CONTENT = options(
    ("activity", _("动态性")),
    ("policy", _("政策性")),
    ("feedback", _("反馈性")),
    ("research", _("调研性")),
    ("reference", _("参考性")),
    ("urgent", _("重大突发性")),
    ("opinion", _("员工思想反映")),
)
TICKS = options(
    ("format", _("格式规范")),
    ("figures", _("数据准确")),
    ("wording", _("语句通顺简练")),
    ("typing", _("无错别字")),
    ("punctuation", _("标点正确")),
)

NOTICE = Kind(
    "notice",
    _("通知公告"),
    number="TZ-{year}-{seq:04}",
    icon="speakerphone",
    fresh=90,
    group="catalogue",
    about=_("网络信息、新闻信息与简报，经单位与办公室两级审核后发布"),
    levels=(0, 1),
    default_level=0,
    add="staff",
    fields=[
        Choice("publication", _("发布形式"), PUBLICATION, required=True, facet=True, column=True),
        Choice("content", _("内容性质"), CONTENT, required=True, facet=True, column=True),
        LongText("body", _("正文"), required=True, search=True, markup=True),
        Files("files", _("附件")),
        Date("expires", _("有效期至"), sort=True, help=_("到期后自动从列表与搜索中撤下")),
        Checks("ticks", _("审核要点"), TICKS, all_required=True, required=True, form=False),
        Date("published", _("发布日期"), sort=True, form=False),
    ],
    states=[
        State("draft", _("草稿"), view="", edit="owner", tone="neutral"),
        State("unit_review", _("部门审核"), view="lead", tone="waiting"),
        State("office_review", _("办公室审核"), view="lead reviewer", tone="waiting"),
        State("published", _("已发布"), view="staff", tone="good"),
        State("withdrawn", _("已撤回"), view="lead reviewer", tone="neutral", final=True),
        State("expired", _("已过期"), view="lead reviewer", tone="neutral", final=True),
    ],
    moves=[
        Move("submit", "draft", "unit_review", title=_("提交审核"), by="owner", tone="primary"),
        Move("pass_unit", "unit_review", "office_review", title=_("部门审核通过"), by="lead", not_by="owner", tone="primary"),
        Move("publish", "office_review", "published", title=_("审核并发布"), by="reviewer", not_by="owner previous", asks=["ticks"], stamps=["published"], tone="primary"),
        Move("return", "unit_review office_review", "draft", title=_("退回修改"), by="lead reviewer", not_by="owner", reason=True, desk=False),
        Move("withdraw", "published", "withdrawn", title=_("撤回"), by="reviewer", reason=True, desk=False, tone="danger", confirm=_("撤回后立即从列表与搜索中消失。")),
        Move("expire", "published", "expired", title=_("到期撤下"), by="reviewer", reason=True, code=True, desk=False),
    ],
    clocks=[Clock("expires", state="published", after="expires", tell="owner", title=_("即将过期"))],
)  # fmt: skip
