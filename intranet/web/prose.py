"""Long texts as pages: Markdown (regulations, notices) to clean HTML. No raw HTML, no pictures, no scripts."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

# Titles inside a text stand below the title of the page, which is the only h1.
SHIFT = 2
_reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable(
    ["table", "strikethrough"]
)
_TAGS = {
    "p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "h3", "h4", "h5", "h6", "a",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


def render(text: str | None) -> Markup:
    """Clean HTML of a text. Plain text without any marks comes out as its paragraphs and lines."""
    tokens = _reader.parse(text or "")
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + SHIFT)}"
    dirty = _reader.renderer.render(tokens, _reader.options, {})
    clean = nh3.clean(dirty, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"})
    return Markup(clean)  # noqa: S704  cleaned by the line above
