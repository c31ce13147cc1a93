"""XML read as a stream, with every entity declaration refused: no expansion, no outside file, flat memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO
from xml.parsers import expat

from search.extract_sink import Problem

_CHUNK = 65536

Start = Callable[[str, Mapping[str, str]], None]


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.EntityDeclHandler = _refuse
    return parser


def _refuse(*_: object) -> None:
    raise Problem("damaged", "XML declares entities")


def walk(stream: IO[bytes], start: Start, end: Callable[[str], None], text: Callable[[str], None]) -> None:
    """Read `stream` and call back with local names (namespaces dropped); raises `Problem` on bad XML."""
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: start(local(name), attributes)
    parser.EndElementHandler = lambda name: end(local(name))
    parser.CharacterDataHandler = text
    try:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Problem("damaged", f"bad XML: {error}") from error


def local(name: str) -> str:
    """`name` without its namespace."""
    return name.rpartition(" ")[2]


def refuse_entities(stream: IO[bytes]) -> None:
    """Raise `Problem` when the prolog of `stream` declares entities; stops at the first element.

    For parts that a library is going to parse. What is no XML is let pass: no parser will expand it.
    """
    parser = _parser()
    begun: list[str] = []
    parser.StartElementHandler = lambda name, _attributes: begun.append(name)
    try:
        while not begun and (chunk := stream.read(4096)):
            parser.Parse(chunk, False)
    except expat.ExpatError:
        return
