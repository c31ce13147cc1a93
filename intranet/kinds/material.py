"""资料: reference material in four classes, kept as documents are (REQUIREMENTS A4; seeds L52-56). A recording follows the level of
the event that it records."""

from flask_babel import lazy_pgettext

from .base import Choice, Data, Date, Files, Integer, Kind, LongText, Person, PlaceRef, Text, _, options
from .isbn import Isbn
from .kept import CLOCKS, FREQUENCY, MOVES, RETENTION, STATES

LEVELS = {"internal": 1, "confidential": 2, "secret": 3, "topsecret": 4}
FILE, BOOK, EQUIPMENT, RECORDING = (("class", code) for code in ("file", "book", "equipment", "recording"))


def floor(data: Data) -> int | None:
    """A recording is never below the level of its event (seeds L55)."""
    return LEVELS.get(str(data.get("event_level"))) if data.get("class") == "recording" else None


MATERIAL = Kind(
    "material",
    lazy_pgettext("ledger", "资料"),
    number="ZL-{unit}-{letter}-{year}-{seq:04}",
    prefix="ZL-",
    icon="books",
    group="business",
    about=_("文件、图书、设备、录音四类资料的登记簿；定密、定位、借阅同受控文件"),
    levels=(1, 2, 3, 4),
    default_level=1,
    need_to_know=2,
    loans=True,
    dual=True,
    declares=True,
    floor=floor,
    add="custodian info_officer lead",
    title_label=_("资料名称"),
    fields=[
        Choice("class", _("资料类别"), options(("file", _("文件类")), ("book", _("图书类")), ("equipment", _("设备类")), ("recording", _("录音类"))), required=True, facet=True, column=True, group=_("标识")),
        Text("author", _("制定人员或编著者"), required=True, search=True, column=True, group=_("标识")),
        Date("dated", _("制定或出版日期"), required=True, past=True, sort=True, group=_("标识")),
        Choice("paper", _("文件种类"), options(("file", _("文件")), ("report", _("报表")), ("literature", _("文献"))), when=FILE, required=True, group=_("文件类")),
        Choice("print", _("图书种类"), options(("book", _("图书")), ("journal", _("期刊")), ("newspaper", _("报纸"))), when=BOOK, required=True, group=_("图书类")),
        Text("publisher", _("出版者"), when=BOOK, required=True, search=True, group=_("图书类")),
        Isbn("isbn", _("ISBN 书号"), when=BOOK, search=True, group=_("图书类"), help=_("期刊、报纸可不填")),
        Text("issue", _("期号"), when=BOOK, search=True, group=_("图书类")),
        Text("model", _("设备型号"), when=EQUIPMENT, required=True, search=True, group=_("设备类")),
        Text("edition", _("手册版次"), when=EQUIPMENT, search=True, group=_("设备类")),
        Choice("occasion", _("事由"), options(("meeting", _("会议")), ("training", _("培训"))), when=RECORDING, required=True, group=_("录音类")),
        Text("event", _("会议或培训名称"), when=RECORDING, required=True, search=True, group=_("录音类")),
        Date("held", _("举行日期"), when=RECORDING, required=True, past=True, sort=True, group=_("录音类")),
        Choice("event_level", _("会议或培训的密级"), options(("internal", _("内部")), ("confidential", _("秘密")), ("secret", _("机密")), ("topsecret", _("绝密"))), when=RECORDING, required=True, group=_("录音类"), help=_("录音的密级不得低于所记录的会议或培训")),
        Integer("minutes", _("时长"), when=RECORDING, max=6000, unit=_("分钟"), group=_("录音类")),
        LongText("transcript", _("录音文稿"), when=RECORDING, search=True, group=_("录音类")),
        Choice("retention", _("保管期限"), RETENTION, required=True, facet=True, group=_("定级因素")),
        Choice("frequency", _("使用频率"), FREQUENCY, required=True, facet=True, group=_("定级因素")),
        PlaceRef("place", _("保管场所"), required=True, group=_("保管"), help=_("按密级、使用频率、保管期限选择：绝密须入保密室，机密须入锁柜，秘密须入柜子")),
        Integer("copies", _("份数"), min=1, max=999, once=True, group=_("保管"), help=_("逐份编份号，单独借阅与清点；不填为 1 份")),
        Date("review", _("下次定密复核"), sort=True, group=_("保管")),
        LongText("summary", _("内容摘要"), search=True, group=_("内容"), help=_("密级以内可见")),
        Files("files", _("资料正文或录音"), many=True),
        Date("disposed", _("处置日期"), form=False),
        Person("witness", _("监销人"), form=False),
    ],
    states=STATES,
    moves=MOVES,
    clocks=CLOCKS,
)  # fmt: skip
