"""Small secrets at rest (authenticator seeds): sealed under the installation's secret key, not in the clear table."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet

from ..settings import Settings


def _box(settings: Settings) -> Fernet:
    key = hashlib.sha256(b"intranet/secrets-box/1" + settings.secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def conceal(settings: Settings, secret: str) -> str:
    return _box(settings).encrypt(secret.encode()).decode()


def reveal(settings: Settings, token: str) -> str:
    """Raises cryptography.fernet.InvalidToken when the secret key changed."""
    return _box(settings).decrypt(token.encode()).decode()
