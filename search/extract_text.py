"""Text of plain files (TXT, Markdown, CSV, XML as written) and of HTML."""

from __future__ import annotations

from html.parser import HTMLParser

from search.extract_charset import decode, html_label
from search.extract_sink import Problem, Sink

_HIDDEN = frozenset({"script", "style", "template", "noscript"})
_LINE_TAGS = """
    address article aside blockquote body br caption dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section summary table title tr ul
"""
_LINES = frozenset(_LINE_TAGS.split())


def read_plain(data: bytes, sink: Sink) -> None:
    """The text in whatever encoding it is."""
    # No encoding needs more than four bytes a character: the rest could not be kept anyway.
    text = decode(data[: 4 * sink.room + 8])
    if text is None:
        raise Problem("unsupported", "no text in a known encoding")
    sink.write(text)


def read_html(data: bytes, sink: Sink) -> None:
    """What a reader of the page would see."""
    text = decode(data, html_label(data))
    if text is None:
        raise Problem("unsupported", "no text in a known encoding")
    html(text, sink)


def html(text: str, sink: Sink) -> None:
    """Write the visible text of an HTML page already decoded."""
    page = _Page(sink)
    page.feed(text)
    page.close()


class _Page(HTMLParser):
    def __init__(self, sink: Sink) -> None:
        super().__init__(convert_charrefs=True)
        self._sink = sink
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden:
            return
        if tag in _HIDDEN:
            self._hidden = tag
        elif tag in _LINES:
            self._sink.write("\n")
        elif tag in ("td", "th"):
            self._sink.write("\t")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # <script/> closes itself in XHTML only; to HTML it opens, but hiding the rest of the page helps nobody.
        if tag in _LINES and not self._hidden:
            self._sink.write("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        elif tag in _LINES and not self._hidden:
            self._sink.write("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._sink.write(data)
