"""保密声明: who adds a file to a controlled ledger says whether it holds State secrets (REQUIREMENTS A16.6; FEATURES row 63).

The installation keeps no State secrets unless it is declared approved for them (STATE_SECRETS_APPROVED): State Secrets Law (2024),
article 31. The words 绝密 机密 秘密 of this product are the office's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from ..kinds.base import Kind
from ..settings import Settings

NONE, SECRET = "none", "secret"
FIELD = "declared"


def wrong(settings: Settings, kind: Kind, blobs: Sequence[Any], declared: str) -> dict[str, Any]:
    """What is wrong with adding these files under this declaration, by field; empty when nothing is."""
    if not kind.declares or not blobs:
        return {}
    if declared not in (NONE, SECRET):
        return {FIELD: _("添加文件前，请先声明本件是否含国家秘密")}
    if declared == SECRET and not settings.state_secrets_approved:
        return {
            FIELD: _(
                "本系统未经批准存储、处理国家秘密，含国家秘密的文件不得上传（保守国家秘密法第三十一条），请按国家规定另行保管"
            )
        }
    return {}
