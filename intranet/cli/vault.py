"""`vault …`: the group; its commands stand in `vault_objects.py` (bodies), `vault_keys.py` (keys) and `vault_shares.py` (keys on paper)."""

from __future__ import annotations

from flask import Flask
from flask.cli import AppGroup

group = AppGroup("vault", help="文件库 / sealed objects and their keys")


def bind(app: Flask) -> None:
    from . import vault_keys, vault_objects, vault_shares  # noqa: F401  their commands join the group

    app.cli.add_command(group)
