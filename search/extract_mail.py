"""Text of a mail (EML, MHT: RFC 5322, RFC 2045): headers people search for, the body, the attachments."""

from __future__ import annotations

import email
import email.policy
import functools
from collections.abc import Callable
from email.message import EmailMessage

from search.extract_charset import decode, html_label
from search.extract_sink import Problem, Sink
from search.extract_text import html
from search.extract_zip import Inner, summary

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_MAX_PARTS = 200


def read(data: bytes, sink: Sink, inner: Inner | None) -> str:
    """Write the mail; returns which attachments gave no text. `inner` as in `search.extract_zip.read`."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    for header in _HEADERS:
        value = _safe(functools.partial(_header, message, header))
        if value:
            sink.line(value)
    sink.line()
    parts = [part for part in message.walk() if not part.is_multipart()]
    if not parts:
        raise Problem("damaged", "a mail without any part")
    plain = any(_is_body(p) and p.get_content_type() == "text/plain" and _payload(p).strip() for p in parts)
    notes: list[str] = []
    for part in parts[:_MAX_PARTS]:
        if _is_body(part):
            # The HTML body says the same again; without a plain one it is the body.
            if part.get_content_type() == "text/plain" or not plain:
                _body(part, sink)
            continue
        note = _attachment(part, sink, inner)
        if note:
            notes.append(note)
    return summary(notes)


def _header(message: EmailMessage, name: str) -> str:
    return str(message.get(name) or "")


def _is_body(part: EmailMessage) -> bool:
    attached = part.get_content_disposition() == "attachment" or _name(part)
    return part.get_content_maintype() == "text" and not attached


def _body(part: EmailMessage, sink: Sink) -> None:
    raw = _payload(part)
    label = _safe(lambda: str(part.get_content_charset() or ""))
    if part.get_content_type() == "text/html":
        html(decode(raw, label or html_label(raw)) or "", sink)
    else:
        sink.write(decode(raw, label) or "")
    sink.line()


def _attachment(part: EmailMessage, sink: Sink, inner: Inner | None) -> str:
    name = _name(part)
    if name:
        sink.line(name)
    if inner is None or (
        part.get_content_disposition() == "inline" and part.get_content_maintype() == "image"
    ):
        return ""
    note = inner(_payload(part), name)
    return f"{name or part.get_content_type()}: {note}" if note else ""


def _name(part: EmailMessage) -> str:
    return _safe(lambda: part.get_filename() or "")


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _safe(get: Callable[[], str]) -> str:
    """A header of a hostile mail; the header parser of the stdlib raises many kinds of errors on bad ones."""
    try:
        return get()
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001 - see above
        return ""
