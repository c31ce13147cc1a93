"""Words of the audit log for the register: levels by two persons, copies, folders, declarations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from ..policy import Permission

Words = Mapping[str, Any]

ACTIONS: Words = {
    "item.review": _("复核密级"),
    "item.copies": _("增印份"),
    "level.ask": _("提请更改密级"),
    "level.approved": _("批准更改密级"),
    "level.refused": _("不同意更改密级"),
    "level.withdrawn": _("撤回更改密级"),
    "copy.ask": _("提请增印"),
    "copy.approved": _("批准增印"),
    "copy.refused": _("不同意增印"),
    "copy.withdrawn": _("撤回增印"),
    "copy.add": _("增印份"),
    "bundle.put": _("归入案卷"),
    "bundle.take_out": _("移出案卷"),
}
PERMISSIONS: Words = {
    Permission.APPROVAL_DECIDE: _("要求审批"),
    Permission.BUNDLE_PUT: _("要求归卷"),
    Permission.COPY_ADD: _("要求增印"),
    Permission.LEVEL_REVIEW: _("要求复核密级"),
}
GROUPS: Words = {
    "level": _("定密"),
    "copy": _("份"),
    "bundle": _("案卷"),
}
DETAILS: Words = {
    "approval": _("审批"),
    "copy": _("份号"),
    "declared": _("保密声明"),
    "numbers": _("新份号"),
}
