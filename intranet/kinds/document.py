"""受控文件: numbered, marked, placed, lent (REQUIREMENTS A3; seeds L38-51). Loans have verbs of their own."""

from .base import Choice, Date, Files, Integer, Kind, LongText, Person, PlaceRef, Text, _, options
from .kept import CLOCKS, FREQUENCY, MOVES, RETENTION, STATES

DOCUMENT = Kind(
    "document",
    _("受控文件"),
    number="{unit}-{letter}-{year}-{seq:04}",
    prefix="",
    icon="shield-lock",
    group="business",
    about=_("编号、定密、定位、借阅留痕的受控文件登记簿"),
    levels=(1, 2, 3, 4),
    default_level=1,
    need_to_know=2,
    loans=True,
    dual=True,
    declares=True,
    add="custodian info_officer lead",
    title_label=_("文件题名"),
    fields=[
        Text("author", _("制定人员"), required=True, search=True, column=True, group=_("标识")),
        Date("dated", _("制定日期"), required=True, past=True, sort=True, column=True, group=_("标识")),
        Choice("consultation", _("咨询类型"), options(("policy", _("政策")), ("business", _("业务")), ("personnel", _("人事")), ("finance", _("财务")), ("security", _("安全")), ("other", _("其他"))), facet=True, group=_("定级因素")),
        Choice("retention", _("保管期限"), RETENTION, required=True, facet=True, group=_("定级因素")),
        Choice("frequency", _("使用频率"), FREQUENCY, required=True, group=_("定级因素")),
        PlaceRef("place", _("保管场所"), required=True, group=_("保管"), help=_("绝密须入保密室，机密须入锁柜，秘密须入柜子")),
        Integer("copies", _("份数"), min=1, max=999, once=True, group=_("保管"), help=_("逐份编份号，单独借阅与清点；不填为 1 份")),
        LongText("summary", _("内容摘要"), search=True, group=_("内容"), help=_("密级以内可见")),
        Files("files", _("文件正文")),
        Date("review", _("下次定密复核"), sort=True, group=_("保管")),
        Date("disposed", _("处置日期"), form=False),
        Person("witness", _("监销人"), form=False),
    ],
    states=STATES,
    moves=MOVES,
    clocks=CLOCKS,
)  # fmt: skip
