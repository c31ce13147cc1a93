"""What became of the text of a file, in words: what can be found, what cannot, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _

from search.extract_notes import MOST_CHARS, Fact, facts


class Said(NamedTuple):
    """A sentence with its icon, and what to do (or ""). `plain`: no shortcoming, only the nature of the file."""

    icon: str
    text: Any
    todo: Any = ""
    plain: bool = False

    @property
    def short(self) -> bool:
        return bool(self.todo) and not self.plain


_SPLIT = _("请拆分后上传，或请系统管理员提高限额")
_SIMPLER = _("请拆分或另存为 PDF 后上传，或请系统管理员提高限额")
_NEWER = _("请另存为 DOCX、XLSX 或 PPTX 后上传，或请系统管理员处理")
_ANEW = _("请重新导出后上传")

#: By code, where nothing was read.
_NOTHING: Mapping[str, Said] = {
    "waiting": Said("hourglass", _("正在提取文字，完成后即可检索")),
    "item": Said("circle-check", _("内容已录入正文，可以检索")),
    "level": Said("shield-lock", _("按密级规定，文件内容不进入检索")),
    "sealed": Said("key", _("服务器没有此密级的密钥，内容未提取"), _("请联系系统管理员")),
    "encrypted": Said("lock", _("文件设有密码，内容未提取"), _("如需检索，请上传不带密码的版本")),
    "damaged": Said("alert-triangle", _("文件损坏或格式有误，内容未提取"), _ANEW),
    "timeout": Said("alert-triangle", _("文件过于复杂，未能在限定时间内读取"), _SIMPLER),
    "memory": Said("alert-triangle", _("文件过于复杂，超出内存限额，内容未提取"), _SIMPLER),
    "too_large": Said("alert-triangle", _("文件或解开后的内容过大，未提取"), _("请拆分或缩小后上传")),
    "unsupported": Said(
        "info-circle", _("不支持从此格式提取文字"), _("如含文字，请另存为 PDF 或 DOCX 后上传"), plain=True
    ),
    "legacy": Said("alert-triangle", _("旧版 Office 格式，服务器未安装 LibreOffice，内容未提取"), _NEWER),
    "spool": Said(
        "alert-triangle", _("旧版 Office 格式，服务器没有内存文件系统，为避免明文落盘而未提取"), _NEWER
    ),
    "empty": Said("info-circle", _("文件中没有文字")),
}
#: By code, where part of it was read.
_PART: Mapping[str, Said] = {
    "damaged": Said("alert-triangle", _("文件有损坏，只能检索读得出的部分"), _ANEW),
    "timeout": Said("alert-triangle", _("文件过于复杂，只能检索限定时间内读到的部分"), _SIMPLER),
}
_REASONS = {
    "encrypted": _("设有密码"),
    "damaged": _("损坏或格式有误"),
    "legacy": _("旧版 Office 格式（服务器未安装 LibreOffice）"),
    "spool": _("旧版 Office 格式（服务器没有内存文件系统）"),
    "timeout": _("过于复杂"),
    "memory": _("过于复杂"),
    "too_large": _("过大或过多"),
    "unsupported": _("格式不支持"),
    "nested": _("压缩包内的压缩包"),
}


def said(note: str, mime: str) -> list[Said]:
    """The sentences for a note of a file (`Blob.text_note`), the main one first. One code without words shows itself."""
    found = facts(note)
    if not found:
        return [Said("circle-check", gettext("全文可以检索"))]
    if {fact.code for fact in found} == {"ocr", "empty"}:
        found = [fact for fact in found if fact.code == "ocr"]
        if found[0].n == found[0].total:
            return [Said("info-circle", gettext("图像中没有识别出文字"))]
    return [_one(fact, picture=mime.startswith("image/")) for fact in found]


def _one(fact: Fact, *, picture: bool) -> Said:
    if fact.code in _COUNTED:
        return _COUNTED[fact.code](fact, picture)
    known = (fact.part and _PART.get(fact.code)) or _NOTHING.get(fact.code)
    return known or Said("info-circle", fact.code)


def _truncated(_fact: Fact, _picture: bool) -> Said:
    text = gettext("文字过长，只能检索前 %(n)s 字", n=format_decimal(MOST_CHARS))
    return Said("alert-triangle", text, gettext("请拆分后上传"))


def _scan(fact: Fact, picture: bool) -> Said:
    if picture:
        return Said("info-circle", gettext("图片中的文字不能检索：服务器未启用文字识别"))
    text = gettext("%(n)s 页（幅）扫描图像不能检索：服务器未启用文字识别", n=fact.n)
    return Said("alert-triangle", text, gettext("请上传含文字的版本，或请系统管理员启用文字识别"))


def _ocr(fact: Fact, picture: bool) -> Said:
    if not fact.n:
        return Said("alert-triangle", gettext("%(n)s 页（幅）扫描图像未能识别", n=fact.total), _SPLIT)
    if fact.n < fact.total:
        text = gettext(
            "%(total)s 页（幅）扫描图像只识别了 %(n)s 页，文字可能有误", n=fact.n, total=fact.total
        )
        return Said("alert-triangle", text, _SPLIT)
    if picture:
        return Said("circle-check", gettext("可以检索；文字由图像识别得到，可能有误"))
    return Said(
        "circle-check", gettext("可以检索；其中 %(n)s 页（幅）的文字由图像识别得到，可能有误", n=fact.n)
    )


def _parts(fact: Fact, _picture: bool) -> Said:
    reasons = gettext("、").join(dict.fromkeys(str(_REASONS[reason]) for reason in fact.reasons))
    text = gettext("其中 %(n)s 个文件的内容未提取（%(reasons)s）", n=fact.n, reasons=reasons)
    return Said("alert-triangle", text, gettext("请将这些文件单独上传"))


_COUNTED: Mapping[str, Callable[[Fact, bool], Said]] = {
    "truncated": _truncated,
    "scan": _scan,
    "ocr": _ocr,
    "parts": _parts,
}
