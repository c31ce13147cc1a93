"""Ids that travel through a form and come back unchanged: signed, so that nobody adopts another person's upload."""

from __future__ import annotations

from collections.abc import Iterable

from itsdangerous import BadSignature, URLSafeTimedSerializer

from ..house import house

DAY = 86_400


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(house().settings.secret_key, salt=f"intranet/{purpose}")


def sign(purpose: str, value: object) -> str:
    return _signer(purpose).dumps(value)


def read(purpose: str, token: str, seconds: int = DAY) -> object | None:
    """What was signed; None when changed, foreign or too old."""
    try:
        value: object = _signer(purpose).loads(token, max_age=seconds)
    except BadSignature:
        return None
    return value


def numbers(purpose: str, tokens: Iterable[str]) -> list[int]:
    """The signed ids of a repeated form field; what is not ours is left out."""
    found = (read(purpose, t) for t in tokens)
    return [v for v in found if isinstance(v, int)]
