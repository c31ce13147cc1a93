"""From a sealed body to a marked page: the bytes go from the vault to the renderer, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _

from vault.age import NoIdentity
from vault.errors import VaultError
from vault.levels import Level
from vault.store import Unavailable as StoreAway

from ..actor import Actor
from ..errors import Unavailable
from ..house import House
from ..rendering.runner import Body, Busy, Failed, Made, Renderer
from .deposits import Opened, damaged

log = logging.getLogger("intranet")
WIDTHS = (1240, 1860)  # pixels of a page: as read, and enlarged


class NoPage(Exception):
    """A file that cannot be shown: `note` as in `rendering.runner.NOTES`, or `changed`."""

    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.note = note


def count(house: House, actor: Actor, opened: Opened) -> int:
    """How many pages. Raises NoPage, Unavailable."""
    return _made(house, actor, opened, lambda r, b: Made(b"", "", r.count(b))).pages


def page(house: House, actor: Actor, opened: Opened, number: int, zoom: int, mark: Mapping[str, Any]) -> Made:
    """One page as a JPEG with the mark in it. Raises NoPage, Unavailable."""
    return _made(house, actor, opened, lambda r, b: r.page(b, number, WIDTHS[zoom], mark))


def marked(house: House, actor: Actor, opened: Opened, mark: Mapping[str, Any]) -> Made:
    """The whole file with the mark in it. Raises NoPage, Unavailable."""
    return _made(house, actor, opened, lambda r, b: r.marked(b, mark))


def _made(house: House, actor: Actor, opened: Opened, ask: Callable[[Renderer, Body], Made]) -> Made:
    blob = opened.blob
    body = Body(blob.name, blob.filename, blob.size, opened.read)
    try:
        return ask(house.renderer, body)
    except Failed as failed:
        log.info("render", extra={"blob": blob.id, "note": failed.note, "detail": failed.detail})
        raise NoPage(failed.note) from failed
    except Busy as busy:
        raise Unavailable(_("正在制作的页面较多，请稍候再试")) from busy
    except NoIdentity as error:
        if house.vault.keyring.can_open(Level(blob.level)):
            damaged(house, actor, opened, f"{type(error).__name__}: {error}"[:200])
            raise NoPage("changed") from error
        raise Unavailable(_("当前进程没有打开此密级的密钥，请联系系统管理员")) from error
    except StoreAway as error:
        raise Unavailable(_("文件库暂时无法读取，请稍后重试")) from error
    except VaultError as error:
        damaged(house, actor, opened, f"{type(error).__name__}: {error}"[:200])
        raise NoPage("changed") from error
    except OSError as error:  # no process, no folder
        log.error("render", extra={"why": f"{type(error).__name__}: {error}"[:200]})
        raise Unavailable(_("暂时无法制作页面，请稍后重试")) from error
