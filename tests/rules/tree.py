"""The sources as the rules see them: every Python file of the product parsed once, every text file named once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("intranet", "vault", "search")


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the top, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of everything imported, `from a import b` as `a.b`; relative ones start with a dot."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)

    def names(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of every name and attribute that is read, such as `os.environ`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name | ast.Attribute):
                yield node.lineno, ast.unparse(node)


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of the product itself."""
    paths = [*ROOT.glob("*.py"), *(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))]
    return tuple(map(read, sorted(paths)))


def read(path: Path) -> Module:
    """One file, parsed."""
    text = path.read_text("utf-8")
    return Module(path.relative_to(ROOT).as_posix(), text, ast.parse(text, str(path)))


def parsed(source: str, path: str = "intranet/verbs/example.py") -> Module:
    """A module made up by a test, to show that a rule bites."""
    return Module(path, source, ast.parse(source))


def files(*folders: str, endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Path from the top and text of the files below `folders` with one of these endings."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.name.endswith(endings):
                yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
