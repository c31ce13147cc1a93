"""Who works in the demo office: units, persons with roles and clearances, places, words. Data only; all names invented."""

from __future__ import annotations

from dataclasses import dataclass

from vault.levels import Level

PASSWORD = "Linxi-2026-demo"
UNIVERSITY = "临溪大学"

# Each: code, name, English name, the unit above. The seven sections come from `verbs.office.SECTIONS`.
UNITS = (
    ("YST", "第一食堂", "First Canteen", "ST"),
    ("EST", "第二食堂", "Second Canteen", "ST"),
    ("SDB", "水电维修班", "Water and Power Crew", "WX"),
    ("BYQ", "北苑宿舍区", "North Dormitories", "SS"),
    ("NYQ", "南苑宿舍区", "South Dormitories", "SS"),
    ("CDB", "车队调度班", "Motor Pool", "CL"),
)
# Each: code, name, strength from 1 to 4, unit.
PLACES = (
    ("SG-2", "财务科锁柜", 3, "CW"),
    ("GZ-2", "维修科资料柜", 2, "WX"),
    ("GZ-3", "食堂科文件柜", 2, "ST"),
    ("GQ-2", "维修科值班室书架", 1, "WX"),
    ("GQ-3", "宿舍科工作区", 1, "SS"),
)
# Sub-classes of resources (seeds L106 可以进行补充分类); the code is the word itself, as the import makes it of a folder name.
SUBCLASSES = (
    "规章制度", "操作规程", "应急预案", "会议纪要", "服务指南", "调查报告", "设备说明书", "合同摘要", "统计报表", "培训材料",
)  # fmt: skip
# The repository of contracts is read by these units only (row 3); all others are open to the staff.
RESTRICTED = {"CG": ("BG", "CW")}


@dataclass(frozen=True)
class Somebody:
    """`roles`: (role, unit code); no code: everywhere. `first`: made by the installation, before there are officers."""

    login: str
    name: str
    unit: str
    title: str
    clearance: Level
    roles: tuple[tuple[str, str | None], ...] = ()
    about: str = ""
    first: bool = False

    @property
    def phone(self) -> str:
        """An inside number that no real exchange has."""
        return f"8{sum(self.login.encode()) % 1000:03d}"


P, I, C, S, T = Level.PUBLIC, Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET, Level.TOPSECRET  # noqa: E741
PEOPLE = (
    Somebody("admin", "孟启航", "BG", "网络管理员", P, (("sysadmin", None),), "系统管理员：管账号、单位与设置，不接触内容", True),
    Somebody("security", "沈慎之", "BG", "保密干事", I, (("security_officer", None),), "安全保密员：定可接触密级与角色", True),
    Somebody("auditor", "乔鉴明", "BG", "审计干事", I, (("auditor", None),), "安全审计员：查阅审计日志", True),
    Somebody("backup", "陶存远", "BG", "运维员", P, (("backup_operator", None),), "备份操作员：备份、校验与恢复演练"),
    Somebody("leader", "顾怀瑾", "HQ", "处长", T, (("leader", None),), "处领导，可接触绝密"),
    Somebody("deputy", "方敬亭", "HQ", "副处长", S, (("leader", None),), "分管副处长，可接触机密"),
    Somebody("lead", "何静姝", "BG", "办公室主任", S, (("lead", "HQ"),), "办公室主任：全处信息责任人，批准处置"),
    Somebody("reviewer", "罗文博", "BG", "文秘", I, (("reviewer", None),), "办公室审核：通知的第二道审核与发布"),
    Somebody("custodian", "陆静文", "BG", "机要员", S, (("custodian", "HQ"),), "保管员：登记、借出、核验，可接触机密"),
    Somebody("registrar", "周砚秋", "BG", "机要秘书", T, (("custodian", "HQ"),), "第二保管员：绝密件登记，可接触绝密"),
    Somebody("officer", "吴晓棠", "BG", "信息员", C, (("info_officer", "BG"),), "办公室信息员"),
    Somebody("lead_cw", "钱以宁", "CW", "科长", S, (("lead", "CW"),), "财务科科长"),
    Somebody("officer_cw", "许知微", "CW", "信息员", C, (("info_officer", "CW"),), "财务科信息员"),
    Somebody("lead_wx", "梁铁生", "WX", "科长", C, (("lead", "WX"),), "维修科科长"),
    Somebody("officer_wx", "郑小满", "WX", "信息员", I, (("info_officer", "WX"),), "维修科信息员"),
    Somebody("dispatcher", "韩调元", "WX", "调度员", I, (("dispatcher", "HQ"),), "调度员：派工、催办"),
    Somebody("plumber", "石大川", "SDB", "水工", I, (("technician", "WX"),), "维修人员（给排水）"),
    Somebody("electrician", "雷明亮", "SDB", "电工", I, (("technician", "WX"),), "维修人员（电气）"),
    Somebody("carpenter", "杜松年", "WX", "木工", I, (("technician", "WX"),), "维修人员（木工门窗）"),
    Somebody("lead_st", "汤春和", "ST", "科长", C, (("lead", "ST"),), "食堂科科长"),
    Somebody("officer_st", "冯麦香", "ST", "信息员", I, (("info_officer", "ST"),), "食堂科信息员"),
    Somebody("cook", "姜小禾", "YST", "厨师长", I, (), "第一食堂职工"),
    Somebody("lead_ss", "宋安宁", "SS", "科长", C, (("lead", "SS"),), "宿舍科科长"),
    Somebody("officer_ss", "邓念慈", "SS", "信息员", I, (("info_officer", "SS"),), "宿舍科信息员"),
    Somebody("warden", "叶知秋", "BYQ", "楼长", I, (), "北苑宿舍区职工"),
    Somebody("lead_lh", "林青禾", "LH", "科长", I, (("lead", "LH"),), "绿化科科长"),
    Somebody("lead_cl", "马行舟", "CL", "科长", I, (("lead", "CL"),), "车辆科科长"),
    Somebody("driver", "龙腾川", "CDB", "驾驶员", I, (), "车队职工"),
    Somebody("handler", "崔正平", "BG", "信访接待员", I, (("complaint_handler", "HQ"),), "投诉处理员"),
    Somebody("handler2", "白若兰", "BG", "信访接待员", I, (("complaint_handler", "HQ"),), "投诉处理员"),
    Somebody("temp", "夏之远", "BG", "临时聘用", P, (), "临时人员，只看公开信息"),
)  # fmt: skip


def logins() -> list[dict[str, str]]:
    """The demo accounts as the command prints them."""
    return [{"login": p.login, "password": PASSWORD, "name": p.name, "about": p.about} for p in PEOPLE]
