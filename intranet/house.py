"""The house: what every verb needs besides the session. Built once by `app.create_app`, passed by hand, never global."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import current_app

from search.engine import Engine
from vault.vault import Vault

from .keys import LiveKeyring
from .kinds.registry import Registry
from .policy import Policy
from .rendering.runner import Renderer
from .settings import Settings


def utc_now() -> datetime:
    """The wall clock: the only place that reads it."""
    return datetime.now(UTC)


@dataclass
class House:
    """`clock` is replaced by tests; `engine`, `vault` and `renderer` are the plain libraries behind their faces."""

    settings: Settings
    kinds: Registry
    policy: Policy
    vault: Vault
    keys: LiveKeyring
    engine: Engine
    clock: Callable[[], datetime] = utc_now
    renderer: Renderer = field(default_factory=Renderer)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.timezone)


def house() -> House:
    """The house of the running application."""
    found: House = current_app.extensions["house"]
    return found
