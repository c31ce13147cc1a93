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
from search.extract_zip import Inside

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_MAX_PARTS = 200


def read(data: bytes, sink: Sink, inside: Inside) -> None:
    """Write the mail, then what is attached to it."""
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
    attached = False
    for part in parts[:_MAX_PARTS]:
        if _is_body(part):
            # The HTML body says the same again; without a plain one it is the body.
            if part.get_content_type() == "text/plain" or not plain:
                _body(part, sink)
            continue
        attached |= _attachment(part, sink, inside)
    for part in parts[_MAX_PARTS:]:
        inside.leave(_name(part), "too_large")
    if attached and inside.read is None:
        inside.leave("", "nested")


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


def _attachment(part: EmailMessage, sink: Sink, inside: Inside) -> bool:
    """Whether it is one: pictures set into the body are its decoration."""
    name = _name(part)
    if name:
        sink.line(name)
    if part.get_content_disposition() == "inline" and part.get_content_maintype() == "image":
        return False
    if inside.read is not None:
        inside.read(_payload(part), name or part.get_content_type())
    return True


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
