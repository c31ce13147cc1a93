"""`/healthz`: the process lives. `/readyz`: what it stands on can be used; only ok or not, details are for `doctor`."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from vault.errors import VaultError

from ..extensions import csrf, db
from ..house import house
from ..verbs import in_force

bp = Blueprint("health", __name__)
csrf.exempt(bp)


@bp.get("/healthz")
def alive() -> Response:
    return jsonify(ok=True)


@bp.get("/readyz")
def ready() -> tuple[Response, int]:
    parts = {"database": _database(), "store": _store(), "store_in_force": _in_force(), "index": _index()}
    ok = all(parts.values())
    return jsonify(ok=ok, **parts), 200 if ok else 503


def _database() -> bool:
    try:
        db.session.execute(text("select 1"))
    except Exception:  # noqa: BLE001  any driver's error means the same here
        return False
    return True


def _store() -> bool:
    try:
        house().vault.store.check()
    except (VaultError, OSError):
        return False
    return True


def _in_force() -> bool:
    """Not so after `vault move`, until this process is started anew."""
    try:
        return in_force.here(db.session(), house())
    except Exception:  # noqa: BLE001  any driver's error means the same here
        return False


def _index() -> bool:
    try:
        house().engine.count()
    except Exception:  # noqa: BLE001  a damaged index may raise anything
        return False
    return True
