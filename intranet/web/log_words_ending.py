"""Words of the audit log for the end of files: holds, disposal lists, packages for the archives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from ..policy import Permission

ACTIONS: Mapping[str, Any] = {
    "item.propose_disposal": _("提请处置"),  # as the step was called before there were lists
    "item.transferred": _("移交后销毁正文"),
    "body.transfer": _("移交包带出正文"),
    "hold.set": _("冻结"),
    "hold.release": _("解除冻结"),
    "disposal.propose": _("提请处置"),
    "disposal.approve": _("批准处置"),
    "disposal.reject": _("不予处置"),
    "disposal.withdraw": _("撤回处置"),
    "disposal.keep": _("从处置清单撤下"),
    "disposal.sign": _("处置签字"),
    "disposal.package": _("生成移交包"),
    "disposal.packaged": _("移交包已发出"),
    "disposal.receipt": _("登记接收单"),
    "disposal.print": _("打印处置清单"),
    "disposal.certificate": _("打印销毁证明"),
}
PERMISSIONS: Mapping[str, Any] = {
    Permission.DISPOSAL_DECIDE: _("要求批准处置"),
    Permission.DISPOSAL_KEEP: _("要求退回处置"),
    Permission.DISPOSAL_PROPOSE: _("要求提请处置"),
    Permission.DISPOSAL_SIGN: _("要求处置签字"),
    Permission.DISPOSAL_VIEW: _("要求查看处置清单"),
    Permission.HOLD_SET: _("要求冻结"),
    Permission.TRANSFER_CONFIRM: _("要求复核接收单"),
    Permission.TRANSFER_PACKAGE: _("要求生成移交包"),
    Permission.TRANSFER_RECEIPT: _("要求登记接收单"),
}
GROUPS: Mapping[str, Any] = {"disposal": _("处置"), "hold": _("冻结")}
DETAILS: Mapping[str, Any] = {
    "list": _("清单"),
    "manifest": _("清单校验值"),
    "receipt": _("接收单"),
    "receiver": _("接收单位"),
    "sealed": _("加密"),
    "signers": _("签字人"),
    "way": _("方式"),
}
