"""The words for what was done, as the history and the log of an item show them."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from vault.levels import Level

from ..kinds.base import Kind
from ..models import Approval
from .present import level_of


def of_action(kind: Kind, action: str) -> Any:
    """The words of a save: adding, editing, re-levelling, or the declared step."""
    move = kind.move(action)
    if move is not None:
        return move.title
    known = {
        "create": _("登记"),
        "edit": _("修改"),
        "level": _("更改密级"),
        "review": _("复核密级"),
        "copies": _("增印份"),
        "place": _("调整保管场所"),
    }
    return known.get(action, action)


def of_approval(approval: Approval) -> str:
    """What is asked for, in words; of a part that has none here, its name."""
    given = approval.payload
    if approval.what == "level":
        now, then = (level_of(Level.parse(given[k])).label for k in ("from", "to"))
        return _("密级由“%(before)s”改为“%(after)s”", before=now, after=then)
    if approval.what == "copy":
        return _("由第 %(n)s 份增印 %(count)s 份", n=given["copy"], count=given["count"])
    fixed = {"open": _("两人打开绝密正文"), "glass": _("应急打开的复查")}
    return fixed.get(approval.what, approval.what)


def of_audit(action: str, kind: Kind) -> Any:
    """The words of an audit row about an item; an action without words shows its own name."""
    known = {
        "item.view": _("查看"),
        "item.edit": _("修改"),
        "item.move": _("办理步骤"),
        "item.add": _("登记"),
        "item.comment": _("留言"),
        "item.grant": _("加入知悉范围"),
        "item.revoke": _("移出知悉范围"),
        "item.link": _("添加关联"),
        "item.log": _("查看操作记录"),
        "item.log_print": _("打印操作记录"),
        "item.log_export": _("导出操作记录"),
        "item.access": _("查看知悉人名单"),
        "item.print": _("打印"),
        "item.inspect": _("检查"),
        "item.label": _("打印标签"),
        "copy.move": _("改放"),
        "item.certificate": _("打印销毁证明"),
        "item.destroyed": _("销毁正文密钥"),
        "level.ask": _("提请更改密级"),
        "level.approved": _("批准更改密级"),
        "level.refused": _("不同意更改密级"),
        "level.withdrawn": _("撤回更改密级"),
        "level.review": _("复核密级"),
        "copy.ask": _("提请增印"),
        "copy.approved": _("批准增印"),
        "copy.refused": _("不同意增印"),
        "copy.withdrawn": _("撤回增印"),
        "copy.add": _("增印份"),
        "bundle.put": _("归入案卷"),
        "bundle.take_out": _("移出案卷"),
        "approval.decide": _("审批"),
        "item.export": _("导出"),
        "body.open": _("打开文件"),
        "body.head": _("查询文件"),
        "body.page": _("阅读一页"),
        "body.play": _("播放录音录像"),
        "body.save": _("下载带水印的文件"),
        "body.break": _("应急打开"),
        "body.permit": _("同意打开"),
        "body.review": _("核查应急打开"),
        "reading.start": _("开始阅读"),
        "reading.close": _("结束阅读"),
        "opening.ask": _("请第二人同意打开"),
        "opening.approve": _("同意打开"),
        "opening.refuse": _("不同意打开"),
        "opening.withdraw": _("撤回打开请求"),
        "glass.break": _("应急打开"),
        "glass.review": _("核查应急打开"),
        "body.deposit": _("存入文件"),
        "body.drop": _("移除文件"),
        "body.damaged": _("文件损坏"),
        "loan.apply": _("申请借阅"),
        "loan.decide": _("办理借阅"),
        "loan.approve": _("批准借阅"),
        "loan.lend": _("借出"),
        "loan.receive": _("签收"),
        "loan.expire": _("申请过期"),
        "loan.extend": _("申请续借"),
        "loan.longer": _("同意续借"),
        "loan.no_longer": _("不同意续借"),
        "loan.print": _("打印借阅单"),
        "loan.refuse": _("拒绝借阅"),
        "loan.withdraw": _("撤回申请"),
        "loan.return": _("归还"),
        "loan.check": _("核验"),
    }
    action = action.replace(":", ".")  # a refusal is recorded under the name of its permission
    if action in known:
        return known[action]
    thing, _dot, name = action.partition(".")
    return of_action(kind, name) if thing == "item" else action
