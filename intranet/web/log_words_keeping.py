"""The words of the audit log for places, copies and inspections (see `log_words`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from ..policy import Permission

Words = Mapping[str, Any]

ACTIONS: Words = {
    "item.inspect": _("检查"),
    "item.label": _("打印标签"),
    "item.place": _("调整保管场所"),
    "copy.move": _("改放一份"),
    "inspection.print": _("打印检查单"),
    "place.check_start": _("开始清点"),
    "place.check_drop": _("放弃清点"),
    "place.check": _("清点"),
    "place.rename": _("更改场所名称"),
    "place.strength": _("更改场所种类"),
    "place.move": _("移动场所"),
    "place.retire": _("停用场所"),
    "place.restore": _("恢复场所"),
    "place.label": _("打印场所标签"),
}
PERMISSIONS: Words = {
    Permission.COPY_MOVE: _("要求改放"),
    Permission.ITEM_INSPECT: _("要求检查"),
    Permission.PLACE_CHECK: _("要求清点与检查"),
    Permission.PLACE_SET: _("要求设置场所"),
}
GROUPS: Words = {
    "place": _("保管场所"),
    "inspection": _("检查"),
    "copy": _("份"),
}
DETAILS: Words = {
    "copies": _("份号"),
    "copy": _("份号"),
    "found": _("检查结果"),
    "from_place": _("原场所"),
    "place": _("场所"),
    "seen": _("已见"),
    "strength": _("种类"),
    "to_place": _("新场所"),
}
