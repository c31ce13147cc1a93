"""Codes of the audit log and of backup reports -> words. What is not listed shows by its code, never as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _

from ..house import house
from ..policy import Permission
from . import log_words_ending as ending
from . import log_words_keeping as keeping
from . import log_words_reading as reading
from . import log_words_register as register
from . import log_words_slips as slips
from .log_details import DETAILS

Words = Mapping[str, Any]

ACTIONS: Words = {
    "session.start": _("登录"),
    "session.end": _("退出"),
    "session.end_all": _("在所有设备上退出"),
    "session.refused": _("登录失败"),
    "session.locked": _("登录被锁定"),
    "session.enrol": _("绑定验证器"),
    "session.second_factor": _("二次验证"),
    "item.create": _("登记"),
    "item.edit": _("修改"),
    "item.level": _("更改密级"),
    "item.comment": _("留言"),
    "item.grant": _("增加知悉人"),
    "item.revoke": _("取消知悉人"),
    "item.link": _("添加关联"),
    "item.access": _("查看知悉人名单"),
    "item.log_export": _("导出操作记录"),
    "item.log_print": _("打印操作记录"),
    "item.print": _("打印"),
    "item.view": _("查看"),
    "item.certificate": _("打印销毁证明"),
    "item.destroyed": _("销毁正文"),
    "item.supplied": _("投诉人已补正"),
    "body.deposit": _("存入正文"),
    "body.drop": _("移除正文"),
    "body.open": _("打开正文"),
    "body.head": _("查询正文大小"),
    "body.damaged": _("正文损坏"),
    "body.mended": _("正文已恢复完好"),
    "body.orphan": _("清理无主文件"),
    "complaint.add": _("投诉人补充"),
    "complaint.typed_in": _("代为登记投诉"),
    "loan.apply": _("申请借阅"),
    "loan.approve": _("批准借阅"),
    "loan.lend": _("交付借出"),
    "loan.receive": _("签收借阅文件"),
    "loan.expire": _("借阅申请过期"),
    "loan.extend": _("申请续借"),
    "loan.longer": _("同意续借"),
    "loan.no_longer": _("不同意续借"),
    "loan.print": _("打印借阅单"),
    "holders.export": _("导出文件去向"),
    "holders.print": _("打印文件去向"),
    "loan.refuse": _("不予借阅"),
    "loan.return": _("归还"),
    "loan.check": _("归还核验"),
    "loan.withdraw": _("撤回借阅申请"),
    "list.export": _("导出清单"),
    "search.secret": _("检索涉密内容"),
    "search.export": _("导出检索结果"),
    "people.create": _("建立账号"),
    "people.update": _("修改人员信息"),
    "people.sees": _("查看他人的知悉范围"),
    "people.standing": _("设定密级与角色"),
    "people.disable": _("停用账号"),
    "people.enable": _("启用账号"),
    "people.reset_password": _("重置密码"),
    "people.change_password": _("修改密码"),
    "office.unit": _("增加单位"),
    "office.term": _("增加或恢复小类"),
    "office.term_retired": _("停用小类"),
    "office.place": _("增加保管场所"),
    "office.repository": _("增加存储库"),
    "office.readers": _("设定存储库可读单位"),
    "audit.read": _("查阅审计日志"),
    "audit.verify": _("核对审计链"),
    "audit.export": _("导出审计日志"),
    "audit.head_printed": _("打印日志链头"),
    "audit.head_signed": _("签认日志链头"),
    "audit.head_checked": _("核对日志链头"),
    "backup.run": _("备份"),
    "backup.verify": _("校验备份"),
    "backup.drill": _("恢复演练"),
    "backup.prune": _("清理旧快照"),
    "backup.restore": _("从备份恢复"),
    "backup.load_headers": _("载入密钥头副本"),
    "backup.run_asked": _("要求备份"),
    "backup.verify_asked": _("要求校验备份"),
    "backup.drill_asked": _("要求恢复演练"),
    "backup.prune_asked": _("要求清理旧快照"),
    "vault.verify": _("核对文件库"),
    "vault.export": _("导出密封件"),
    "vault.rotate": _("更换密钥"),
    "vault.forget": _("销毁旧密钥"),
    "vault.passphrase": _("更改密钥口令"),
    "vault.move": _("迁移文件库"),
    "vault.split": _("分存密钥"),
    "vault.rehearse": _("密钥分片演练"),
    "vault.join": _("合成密钥"),
    "index.mended": _("修补检索索引"),
    "refused": _("被拒绝的操作"),
    **keeping.ACTIONS,
    **ending.ACTIONS,
    **register.ACTIONS,
    **reading.ACTIONS,
    **slips.ACTIONS,
}
# Refusals are recorded by the permission that was asked for.
PERMISSIONS: Words = {
    Permission.AUDIT_CHECK: _("要求核对日志链头"),
    Permission.AUDIT_READ: _("要求查阅审计日志"),
    Permission.AUDIT_SIGN: _("要求签认日志链头"),
    Permission.BACKUP_RUN: _("要求操作备份"),
    Permission.BODY_OPEN: _("要求打开正文"),
    Permission.CLEARANCE_SET: _("要求设定密级与角色"),
    Permission.ITEM_ACCESS: _("要求查看知悉人名单"),
    Permission.ITEM_ADD: _("要求登记"),
    Permission.ITEM_ATTACH: _("要求添加文件"),
    Permission.ITEM_COMMENT: _("要求留言"),
    Permission.ITEM_EDIT: _("要求修改"),
    Permission.ITEM_EXPORT: _("要求导出"),
    Permission.ITEM_GRANT: _("要求更改知悉范围"),
    Permission.HOLDERS_VIEW: _("要求查看文件去向"),
    Permission.ITEM_LEVEL: _("要求更改密级"),
    Permission.ITEM_LOG: _("要求查看记录"),
    Permission.ITEM_MOVE: _("要求办理"),
    Permission.ITEM_VIEW: _("要求查看"),
    Permission.LOAN_APPLY: _("要求借阅"),
    Permission.LOAN_CHECK: _("要求核验归还"),
    Permission.LOAN_DECIDE: _("要求审批借阅"),
    Permission.LOAN_EXTEND: _("要求续借"),
    Permission.LOAN_RECEIVE: _("要求签收借阅文件"),
    Permission.LOAN_RETURN: _("要求归还"),
    Permission.LOAN_VIEW: _("要求查看借阅"),
    Permission.LOAN_WITHDRAW: _("要求撤回借阅申请"),
    Permission.OFFICE_SET: _("要求更改单位与词表"),
    Permission.OPS_VIEW: _("要求查看运行状态"),
    Permission.PEOPLE_SEES: _("要求查看他人的知悉范围"),
    Permission.PEOPLE_SET: _("要求更改账号"),
    Permission.PEOPLE_VIEW: _("要求查看人员"),
    Permission.SEARCH: _("要求检索"),
    **keeping.PERMISSIONS,
    **ending.PERMISSIONS,
    **register.PERMISSIONS,
    **reading.PERMISSIONS,
    **slips.PERMISSIONS,
}
GROUPS: Words = {
    "session": _("登录与会话"),
    "item": _("台账记录"),
    "body": _("正文"),
    "loan": _("借阅"),
    "holders": _("文件去向"),
    "slip": _("文件传递"),
    "complaint": _("投诉"),
    "people": _("人员"),
    "office": _("单位与词表"),
    "audit": _("审计"),
    "backup": _("备份"),
    "vault": _("文件库"),
    **keeping.GROUPS,
    **ending.GROUPS,
    **register.GROUPS,
    **reading.GROUPS,
}
OUTCOMES: Mapping[str, tuple[Any, str]] = {
    "ok": (_("完成"), "good"),
    "refused": (lazy_pgettext("outcome", "拒绝"), "soon"),
    "alarm": (_("警报"), "late"),
}
# vault.chain: what can be wrong with the log.
CHAIN: Words = {
    "malformed": _("有一行无法读取"),
    "changed": _("有一行被改动过"),
    "dropped": _("有行被删去"),
    "swapped": _("行的次序被调换"),
    "duplicated": _("有行重复或被插入"),
    "unlinked": _("有一行被替换，前后不再衔接"),
    "rewritten": _("与另存的链头不符，日志被改写"),
    "cut": _("末尾被截去"),
    "miscounted": _("行数与文件头不符"),
}
JOBS: Words = {"run": _("备份"), "verify": _("校验"), "drill": _("恢复演练"), "prune": _("清理旧快照")}
RUNS: Mapping[str, tuple[Any, str]] = {
    "queued": (_("排队中"), "waiting"),
    "running": (_("进行中"), "waiting"),
    "ok": (_("成功"), "good"),
    "problem": (_("发现问题"), "late"),
    "failed": (_("失败"), "late"),
}
STEPS: Words = {
    "database": _("处理数据库"),
    "objects": _("复制密封件"),
    "check": _("逐件核对"),
    "read": _("逐字节核对"),
}
KEPT: Words = {
    "newest": _("最新一份"),
    "complete": _("最新完整一份"),
    "last": _("最近几份"),
    "daily": _("每日一份"),
    "weekly": _("每周一份"),
    "monthly": _("每月一份"),
    "damaged": _("已损坏，须由人决定"),
}


def action(code: str) -> str:
    """What was done, in words: a listed action, a refused permission, or a step of a ledger by its own title."""
    if code in ACTIONS:
        return str(ACTIONS[code])
    if code in PERMISSIONS:
        return str(PERMISSIONS[code])
    if code.startswith("item."):
        name = code.removeprefix("item.")
        titles = dict.fromkeys(
            str(m.title) for k in house().kinds.values() if (m := k.move(name)) is not None
        )
        if titles:
            return gettext("／").join(titles)
    return code


def group(code: str) -> str:
    """The heading an action stands under in the filter."""
    if code in PERMISSIONS:
        return gettext("被拒绝的请求")
    return str(GROUPS.get(code.partition(".")[0], gettext("其他")))


def outcome(code: str) -> tuple[str, str]:
    """Words and tone of an outcome of the log."""
    word, tone = OUTCOMES.get(code, (code, "neutral"))
    return str(word), tone


def run_outcome(code: str) -> tuple[str, str]:
    """Words and tone of an outcome of a backup run."""
    word, tone = RUNS.get(code, (code, "neutral"))
    return str(word), tone


def job(code: str) -> str:
    return str(JOBS.get(code, code))


def step(code: str) -> str:
    return str(STEPS.get(code, code))


def kept(code: str) -> str:
    """Why retention keeps a snapshot."""
    return str(KEPT.get(code, code))


def chain(code: str) -> str:
    """What is wrong with the log."""
    return str(CHAIN.get(code, code))


def detail(row: Mapping[str, Any], actor: str = "") -> list[tuple[str, str]]:
    """The details of a row as (label, value) pairs; empty values, and the actor's own login again, are left out."""
    told = {k: v for k, v in row.items() if v not in (None, "", [], {}) and not (k == "login" and v == actor)}
    return [(str(DETAILS.get(k, k)), _plain(v)) for k, v in told.items()]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("是") if value else gettext("否")
    if isinstance(value, (list, tuple)):
        return gettext("、").join(_plain(v) for v in value if v is not None)
    if isinstance(value, dict):
        return gettext("，").join(f"{k} {_plain(v)}" for k, v in value.items())
    return str(value)
