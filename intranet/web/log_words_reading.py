"""Words of the audit log: reading in the page, two persons, break-glass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from ..policy import Permission

ACTIONS: Mapping[str, Any] = {
    "body.page": _("阅读一页"),
    "body.play": _("播放录音录像"),
    "body.save": _("下载带水印的正文"),
    "reading.start": _("开始阅读"),
    "reading.close": _("结束阅读"),
    "opening.ask": _("请第二人同意打开"),
    "opening.approve": _("同意打开"),
    "opening.refuse": _("不同意打开"),
    "opening.withdraw": _("撤回打开请求"),
    "glass.break": _("应急打开"),
    "glass.review": _("核查应急打开"),
}
PERMISSIONS: Mapping[str, Any] = {
    Permission.BODY_BREAK: _("要求应急打开"),
    Permission.BODY_PERMIT: _("要求同意打开"),
    Permission.BODY_REVIEW: _("要求核查应急打开"),
    Permission.BODY_SAVE: _("要求下载正文"),
}
GROUPS: Mapping[str, Any] = {
    "reading": _("阅读"),
    "opening": _("两人打开"),
    "glass": _("应急打开"),
}
