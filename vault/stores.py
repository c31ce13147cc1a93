"""From the setting that names a store to the store."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from vault.store import Store
from vault.store_fs import FileStore


def open_store(url: str, data: Path) -> Store:
    """The store an address names: ``file:blobs`` (relative to `data`), ``file:/srv/blobs`` or
    ``s3://key:secret@host:port/bucket?secure=0``. Raises ValueError for anything else; touches nothing.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "file" and rest.strip("/"):
        return FileStore(data / ("/" + rest.lstrip("/") if rest.startswith("/") else rest))
    if scheme == "s3":
        from vault.store_s3 import S3Store  # only here: the client is slow to load, often unused

        return S3Store.from_url(url)
    raise ValueError("a store is given as file:FOLDER or s3://KEY:SECRET@HOST:PORT/BUCKET?secure=0|1")


def place(url: str, data: Path) -> str:
    """Which store an address means, without its credentials and options: the same text for every spelling of
    one store. A folder inside `data` is given relative to it, so it stays the same where `data` moves."""
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        folder = Path(os.path.normpath(data / ("/" + rest.lstrip("/") if rest.startswith("/") else rest)))
        inside = folder.is_relative_to(data)
        return f"file:{folder.relative_to(data) if inside else folder}"
    parts = urlsplit(url)
    return f"s3://{parts.netloc.rpartition('@')[2].lower()}/{parts.path.strip('/')}"
