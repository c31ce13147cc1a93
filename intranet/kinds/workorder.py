"""维修工单: reported, dispatched, accepted, done, signed off (A11; seeds L336; rows 135-136)."""

from .base import (
    Choice,
    Clock,
    Data,
    DateTime,
    Files,
    Kind,
    LongText,
    Money,
    Move,
    Person,
    State,
    Text,
    _,
    options,
)

TRADE = options(
    ("water", _("给排水")),
    ("electric", _("电气")),
    ("carpentry", _("木工门窗")),
    ("masonry", _("土建")),
    ("hvac", _("暖通空调")),
    ("appliance", _("家电设备")),
    ("network", _("弱电网络")),
    ("other", _("其他")),
)
URGENCY = options(("normal", _("一般")), ("soon", _("较急")), ("urgent", _("紧急")))


def worker_named(data: Data) -> object:
    return None if data.get("worker") else _("派工须指定承办人")


WORKORDER = Kind(
    "workorder",
    _("维修工单"),
    number="WX-{year}-{seq:05}",
    icon="tool",
    fresh=60,
    group="business",
    about=_("报修、派工、接单、完工、验收，一单到底"),
    levels=(1,),
    default_level=1,
    add="staff",
    comments="owner worker dispatcher",
    title_label=_("报修事项"),
    fields=[
        Text("place", _("地点"), required=True, search=True, column=True),
        Choice("trade", _("工种"), TRADE, required=True, facet=True, column=True),
        Choice("urgency", _("紧急程度"), URGENCY, required=True, facet=True, column=True),
        LongText("fault", _("故障描述"), required=True, search=True, max=20_000),
        Text("phone", _("联系电话"), max=40),
        Files("photos", _("照片"), image=True),
        Person("worker", _("承办人"), gives="worker", having="technician", form=False, column=True, facet=True),
        DateTime("due", _("要求完成"), form=False, sort=True),
        LongText("work", _("处理情况"), form=False, search=True, max=20_000),
        Money("cost", _("材料费"), form=False),
    ],
    states=[
        State("open", _("待派工"), view="dispatcher lead", edit="owner", tone="waiting"),
        State("assigned", _("待接单"), view="dispatcher lead", tone="waiting"),
        State("working", _("处理中"), view="dispatcher lead", tone="waiting"),
        State("paused", _("待料挂起"), view="dispatcher lead", tone="soon"),
        State("done", _("待验收"), view="dispatcher lead", tone="soon"),
        State("closed", _("已办结"), view="dispatcher lead", tone="good", final=True),
        State("cancelled", _("已取消"), view="dispatcher lead", tone="neutral", final=True),
    ],
    moves=[
        Move("assign", "open", "assigned", title=_("派工"), by="dispatcher", asks=["worker", "due"], guard=worker_named, tone="primary"),
        Move("accept", "assigned", "working", title=_("接单"), by="worker", tone="primary"),
        Move("refuse", "assigned", "open", title=_("退单"), by="worker", reason=True, desk=False),
        Move("finish", "working", "done", title=_("完工"), by="worker", asks=["work", "cost"], tone="primary"),
        Move("pause", "working", "paused", title=_("挂起"), by="worker", reason=True, desk=False),
        Move("resume", "paused", "working", title=_("恢复处理"), by="worker dispatcher"),
        Move("sign_off", "done", "closed", title=_("验收办结"), by="owner dispatcher lead", not_by="worker", tone="primary"),
        Move("rework", "done", "working", title=_("返工"), by="owner dispatcher lead", not_by="worker", reason=True, desk=False),
        Move("cancel", "open", "cancelled", title=_("取消"), by="owner dispatcher", reason=True, desk=False, tone="danger", confirm=_("取消后不再派工。")),
    ],
    clocks=[Clock("due", state="assigned working done", after="due", tell="worker dispatcher", title=_("要求完成"))],
)  # fmt: skip
