"""The five levels of protection and their order; nothing else in the product decides it.

The English slugs follow the usual scale of the field (confidential < secret < top secret), so 秘密 is
``confidential`` and 机密 is ``secret``.
"""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """公开 < 内部 < 秘密 < 机密 < 绝密; the number is stored, the slug stands in commands and addresses."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    SECRET = 3
    TOPSECRET = 4

    @property
    def slug(self) -> str:
        """The name in commands, addresses and file names: ``topsecret``."""
        return self.name.lower()

    @property
    def label(self) -> str:
        """The legal name of the level: 绝密."""
        return _LABELS[self]

    @classmethod
    def parse(cls, text: str) -> Level:
        """The level named by a slug (any case) or a label. Raises ValueError for anything else."""
        word = text.strip()
        for level in cls:
            if word.lower() == level.slug or word == level.label:
                return level
        raise ValueError(f"no such level: {text!r}")


_LABELS = {
    Level.PUBLIC: "公开",
    Level.INTERNAL: "内部",
    Level.CONFIDENTIAL: "秘密",
    Level.SECRET: "机密",
    Level.TOPSECRET: "绝密",
}


def dominates(clearance: Level, level: Level) -> bool:
    """True when somebody cleared for `clearance` may see material of `level`."""
    return clearance >= level
