"""Files of others are exactly those that were looked at, and nothing lies beside them unnoticed."""

from __future__ import annotations

import re
from hashlib import sha256
from xml.etree import ElementTree as ET

from tests.rules.tree import ROOT, files

STATIC = ROOT / "intranet" / "static"
SUMS = dict(reversed(line.split()) for line in (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines())
SVG = "{http://www.w3.org/2000/svg}"


def sprite() -> list[str]:
    root = ET.fromstring((STATIC / "icons.svg").read_bytes())
    return [symbol.get("id", "") for symbol in root.iter(f"{SVG}symbol") if len(symbol)]


def test_vendored_files_are_unchanged() -> None:
    assert {name: sha256((STATIC / name).read_bytes()).hexdigest() for name in SUMS} == SUMS


def test_every_vendored_program_and_style_has_a_sum() -> None:
    beside = {
        p.relative_to(STATIC).as_posix()
        for p in (STATIC / "vendor").rglob("*")
        if p.suffix in (".js", ".css")
    }
    assert beside <= set(SUMS)


def test_the_sprite_holds_the_icons_that_are_listed() -> None:
    listed = (STATIC / "vendor" / "icons.txt").read_text().split()
    assert sprite() == [f"i-{name}" for name in listed]
    assert listed == sorted(set(listed))


def test_every_icon_a_page_names_is_in_the_sprite() -> None:
    used = {
        (path, name)
        for path, text in files("templates", "intranet/static", endings=(".html", ".js"))
        if "/vendor/" not in path
        for name in re.findall(r"icons\.svg#(i-[\w-]+)", text)
        + [f"i-{n}" for n in re.findall(r"\bicon\(\s*['\"]([\w-]+)['\"]", text)]
    }
    assert {(path, name) for path, name in used if name not in sprite()} == set()
