"""What the name of a file says: title and date of its version. Pure; nothing here touches disk or database."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

TEXTS = frozenset({".md", ".markdown", ".txt", ".text"})
# Half and full-width brackets; 2021-04-29, 2021.4.29, 2021/4/29, 2021年4月29日.
_DATED = re.compile(
    r"[(（]\s*(?P<y>\d{4})\s*[-./年]\s*(?P<m>\d{1,2})\s*[-./月]\s*(?P<d>\d{1,2})\s*日?\s*(?:版|修订|修正)?\s*[)）]"
)
_HEAD_ENDS = re.compile(r"[ \t]*<!--\s*INFO END\s*-->[ \t]*\n?")


@dataclass(frozen=True)
class Named:
    """`issued`: ISO date of the version, or empty. `ending`: lower case, with its dot."""

    title: str
    issued: str
    ending: str


def named(name: str) -> Named:
    """`消防法(2021-04-29).md` -> title 消防法, issued 2021-04-29. A date that does not exist stays in the title."""
    name = readable(name)
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem:
        stem, ending = name, ""
    issued = ""
    if found := _DATED.search(stem):
        try:
            issued = date(int(found["y"]), int(found["m"]), int(found["d"])).isoformat()
        except ValueError:
            pass
        else:
            stem = stem[: found.start()] + stem[found.end() :]
    title = " ".join(stem.split()).strip("-_ ") or name
    return Named(title[:300], issued, f".{ending.lower()}" if ending else "")


def readable(name: str) -> str:
    """The name as text, in one Unicode form. Bytes that are no UTF-8 are the GBK of old archives."""
    try:
        name.encode()
    except UnicodeEncodeError:
        name = name.encode(errors="surrogateescape").decode("gb18030", "replace")
    return unicodedata.normalize("NFC", name)


def body(text: str) -> str:
    """The text without the marks that a collection puts between head and text."""
    return _HEAD_ENDS.sub("", text.replace("\r\n", "\n").replace("\x00", "")).strip()
