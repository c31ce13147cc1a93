"""Forty short texts of an invented office, enough Chinese to rank and to search in."""

from __future__ import annotations

from itertools import product

from search.engine import Access, Entry

_SUBJECTS = {
    "职工食堂": "食堂每日公布菜谱，采购的粮油须索证索票，留样四十八小时，餐具一餐一消毒",
    "公务用车": "用车实行派车单制度，节假日封存停驶，维修由后勤处定点办理，里程每月登记",
    "集体宿舍": "宿舍按床位分配，退宿须结清水电费，不得使用大功率电器，访客二十二时前离开",
    "会议中心": "会议室预约以先后为序，涉密会议使用屏蔽会议室，设备由专人调试，用毕关闭电源",
    "消防安全": "灭火器每季度检查压力，疏散通道不得堆放杂物，每年组织两次疏散演练，控制室双人值守",
    "保密管理": "涉密载体登记造册，借阅须经批准，传递使用机要交通，销毁由两人监销并签字",
    "固定资产": "资产入库贴条码标签，每年盘点一次，报废须经技术鉴定，盘亏查明原因后处理",
    "电梯维保": "电梯每十五日保养一次，困人救援三十分钟内到场，年检合格标志置于轿厢内，型号MX-3000另有规程",
}
_FORMS = {
    "管理办法": ("document", "为规范{0}工作，根据上级有关规定，结合本单位实际，制定本办法。{1}。"),
    "通知": (
        "notice",
        "关于{0}的通知：自下月一日起执行新标准。{1}。请各部门遵照执行，联系人：行政科，电话８６０１２。",
    ),
    "维修工单": ("workorder", "报修地点：{0}。故障描述：照明不亮、水管漏水。处理要求：{1}。"),
    "投诉答复": ("complaint", "您反映的{0}问题已收悉。经查，{1}。感谢您的监督，复查期限为60日。"),
    "资料汇编": ("resource", "《{0}资料汇编》收录ISO 9001文件、操作手册和考核表。{1}。"),
}
UNITS = ("后勤处", "行政科", "保卫处")


def entries() -> list[Entry]:
    """The texts, with levels, units and facets spread over them."""
    made = []
    for at, ((subject, text), (form, (kind, frame))) in enumerate(
        product(_SUBJECTS.items(), _FORMS.items()), 1
    ):
        unit = UNITS[at % 3]
        made.append(
            Entry(
                id=at,
                kind=kind,
                number=f"后勤发〔{2021 + at % 5}〕{at}号",
                title=f"{subject}{form}",
                text=frame.format(subject, text),
                level=at % 4,
                labels=frozenset({f"unit:{unit}"} | ({"all"} if at % 2 else set())),
                facets={
                    "unit": (unit,),
                    "year": (str(2021 + at % 5),),
                    "class": ("规章", "后勤")[: 1 + at % 2],
                },
                updated=1_700_000_000 + at * 7919 % 1000,
            )
        )
    return made


def everything(after: int) -> list[Entry]:
    """The texts for a rebuild, by id."""
    return [entry for entry in entries() if entry.id > after]


#: Sees everything.
CHIEF = Access(4, frozenset({"all", *(f"unit:{unit}" for unit in UNITS)}))
