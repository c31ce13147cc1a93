"""One setting changed in the operator's `config.py`, whose every other byte stays."""

from __future__ import annotations

import ast
import os
import runpy
from pathlib import Path

from .settings import from_environment


def rewrite(data: Path, name: str, value: str) -> bool:
    """Let the setting `name` be `value` from the next start on; True when the file now says so.

    False, with nothing touched: the setting comes from the environment, the file gives it by anything but one plain text
    (`STORE = "…"`), or it may not be written. The change is atomic and durable; a new file is for its owner only."""
    if from_environment(name):
        return False
    path = Path(os.path.realpath(data / "config.py"))
    try:
        changed = _changed(path.read_bytes() if path.exists() else b"", name, repr(value).encode())
        return changed is not None and _replace(path, changed, name, value)
    except OSError:
        return False


def _changed(source: bytes, name: str, value: bytes) -> bytes | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    given = [
        node for node in tree.body if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
    ]  # fmt: skip
    if not given:
        named = any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(tree))
        end = b"" if not source or source.endswith(b"\n") else b"\n"
        return None if named else source + end + name.encode() + b" = " + value + b"\n"
    old = given[0].value
    plain = isinstance(old, ast.Constant) and isinstance(old.value, str)
    if len(given) > 1 or len(given[0].targets) > 1 or not plain or old.end_lineno is None:
        return None
    lines = source.splitlines(keepends=True)
    first, last = old.lineno - 1, old.end_lineno - 1
    before = b"".join(lines[:first]) + lines[first][: old.col_offset]
    return before + value + lines[last][old.end_col_offset :] + b"".join(lines[last + 1 :])


def _replace(path: Path, content: bytes, name: str, value: str) -> bool:
    """Put the new file in the place of the old one, if it truly says what is wished: it is a program, and may say more."""
    part = path.with_name(f".{path.name}.new")
    part.unlink(missing_ok=True)  # of one that was killed here
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            if path.exists():
                old = path.stat()
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
                os.fchmod(file.fileno(), old.st_mode & 0o7777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            if runpy.run_path(str(part)).get(name) != value:
                return False
        except Exception:  # noqa: BLE001  the operator's file may hold anything
            return False
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
