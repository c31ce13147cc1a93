"""The words of the log for the 文件传递单; they are part of `log_words`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from ..policy import Permission

ACTIONS: Mapping[str, Any] = {
    "slip.draft": _("拟制传递单"),
    "slip.edit": _("修改传递单"),
    "slip.submit": _("提交传递单"),
    "slip.approve": _("批准传递"),
    "slip.reject": _("退回传递单"),
    "slip.withdraw": _("撤回传递单"),
    "slip.give": _("交出文件"),
    "slip.recall": _("收回交出的文件"),
    "slip.take": _("签收文件"),
    "slip.refuse": _("拒收文件"),
    "slip.return": _("传递归还"),
    "slip.recover": _("收回文件"),
    "slip.check": _("传递检查关闭"),
    "slip.lost": _("传递遗失"),
    "slip.print": _("打印传递单"),
}
PERMISSIONS: Mapping[str, Any] = {
    Permission.SLIP_CHECK: _("要求检查归还"),
    Permission.SLIP_DECIDE: _("要求审批传递"),
    Permission.SLIP_DRAFT: _("要求拟制传递单"),
    Permission.SLIP_EDIT: _("要求修改传递单"),
    Permission.SLIP_GIVE: _("要求交出文件"),
    Permission.SLIP_LOSE: _("要求登记遗失"),
    Permission.SLIP_RECOVER: _("要求收回文件"),
    Permission.SLIP_RETURN: _("要求归还文件"),
    Permission.SLIP_TAKE: _("要求签收文件"),
    Permission.SLIP_VIEW: _("要求查看传递单"),
    Permission.SLIP_WITHDRAW: _("要求撤回传递单"),
}
