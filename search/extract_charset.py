"""Which encoding a text without a label is in: the few that Chinese offices really produce.

UTF-8 with and without mark, UTF-16 and UTF-32 with mark, UTF-16 without mark (Excel's "Unicode text"),
and GB18030, which contains GBK and GB2312 (GB 18030-2022).
"""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes no text has: control characters but backspace, tab, LF, FF, CR and escape (what `file` allows too).
_BINARY = bytes(sorted((set(range(32)) | {127}) - {8, 9, 10, 12, 13, 27}))
_SAMPLE = 65536
# What a UTF-16 text of an office is made of; random bytes hit these ranges less than every second time.
_USUAL = re.compile(r"[\t\n\r\x20-\x7e\u2010-\u203f\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")
_HTML_LABEL = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
# Labelled GB2312, written in GBK: the rule rather than the exception. Browsers do the same (WHATWG Encoding 10.1).
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
}


def guess(data: bytes) -> str | None:
    """The name of a codec that reads the first 64 KiB of `data`, or None when this is no text."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    sample = data[:_SAMPLE]
    strange = len(sample) - len(sample.translate(None, _BINARY))
    if strange and (wide := _unmarked_utf16(sample)):
        return wide
    if strange * 200 > len(sample):
        return None  # one stray byte (a DOS end mark, a lost NUL) does not unmake a long text; random bytes have 11 %
    for name in ("utf-8", "gb18030"):
        if _reads(sample, name):
            return name
    if strange:
        return None
    # A damaged Chinese text: some bytes lost, most of it fine.
    rough = sample.decode("gb18030", "replace")
    return "gb18030" if rough.count("\ufffd") * 20 < len(rough) else None


def decode(data: bytes, label: str | None = None) -> str | None:
    """`data` as text: as labelled when the label is true, else as guessed; None when this is no text."""
    if label:
        name = _WIDER.get(label.strip().lower(), label.strip())
        try:
            return data.decode(name)
        except (LookupError, ValueError):
            pass  # an unknown or a lying label: the bytes decide
    guessed = guess(data)
    return None if guessed is None else data.decode(guessed, "replace")


def html_label(data: bytes) -> str | None:
    """The charset an HTML page gives itself in its first 4 KiB (a byte-order mark wins over it)."""
    if data.startswith(tuple(mark for mark, _ in _MARKS)):
        return None
    found = _HTML_LABEL.search(data[:4096])
    return found[1].decode("ascii", "replace") if found else None


def _reads(sample: bytes, name: str) -> bool:
    """Whether `sample` is valid in `name`; a character cut at its end is no fault."""
    try:
        codecs.getincrementaldecoder(name)().decode(sample, final=len(sample) < _SAMPLE)
    except ValueError:
        return False
    return True


def _unmarked_utf16(sample: bytes) -> str | None:
    even = sample[: len(sample) & ~1]
    if not even:
        return None
    for name in ("utf-16-le", "utf-16-be"):
        text = even.decode(name, "replace")
        if len(_USUAL.findall(text)) >= 0.97 * len(text):
            return name
    return None
