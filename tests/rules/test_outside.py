"""Nothing a browser loads comes from outside, and nothing a page says is a script of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from tests.rules.tree import files

TEXT = (".html", ".txt", ".css", ".js", ".svg", ".json")
COMMENT = re.compile(r"/\*.*?\*/|<!--.*?-->|\{#.*?#\}|(?:^|\s)//\s[^\n]*$", re.DOTALL | re.MULTILINE)
NAMESPACE = re.compile(r"http://www\.w3\.org/(2000/svg|1999/xlink|1999/xhtml)")
ADDRESS = re.compile(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"')]*|(?:wss?|ftp)://[^\s\"')]+", re.IGNORECASE)
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|\shx-on[:\w-]*\s*=",
    re.IGNORECASE,
)
# Blocks of data, which no browser runs.
DATA = re.compile(r"<script[^>]*type=[\"']application/(ld\+)?json[\"'][^>]*>")


def outside(text: str) -> Iterable[str]:
    """Addresses of other machines; names of XML dialects and comments do not count."""
    return (found.group() for found in ADDRESS.finditer(NAMESPACE.sub("", COMMENT.sub("", text))))


def inline(text: str) -> Iterable[str]:
    """Scripts and styles written into the page, which the content policy would refuse."""
    return (m.group() for m in INLINE.finditer(COMMENT.sub("", text)) if not DATA.match(m.group()))


def test_no_address_outside_in_templates_and_static_files() -> None:
    found = [
        f"{path}: {address}"
        for path, text in files("templates", "intranet/static", endings=TEXT)
        for address in outside(text)
    ]
    assert found == []


def test_no_script_or_style_inside_a_page() -> None:
    found = [
        f"{path}: {part}"
        for path, text in files("templates", endings=(".html",))
        # letters, and the sheets in a package for the archives, have no style sheet to refer to
        if not path.startswith(("templates/mail/", "templates/package/"))
        for part in inline(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example.com/a.js">',
        '<link href="//fonts.example.com/css">',
        "@import url(http://a.example.org/b.css)",
        'fetch("wss://example.com")',
    ],
)
def test_an_address_outside_is_seen(text: str) -> None:
    assert list(outside(text))


@pytest.mark.parametrize(
    "text",
    [
        '<svg xmlns="http://www.w3.org/2000/svg">',
        "/* https://tabler.io */ a{b:c}",
        '<a href="/items/notice/">',
        'const half = a / b; // of "x"',
    ],
)
def test_what_is_no_address_outside_is_left_alone(text: str) -> None:
    assert list(outside(text)) == []


@pytest.mark.parametrize(
    "text", ["<script>a()</script>", '<p style="a">', '<a onclick="x()">', '<b hx-on:click="x">', "<style>"]
)
def test_inline_code_is_seen(text: str) -> None:
    assert list(inline(text))


@pytest.mark.parametrize(
    "text", ['<script src="/static/a.js"></script>', '<script type="application/json">{}</script>']
)
def test_files_and_data_are_no_inline_code(text: str) -> None:
    assert list(inline(text)) == []
