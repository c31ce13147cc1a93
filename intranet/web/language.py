"""Which language a page speaks: the person's choice, then this browser's choice (cookie), then the setting."""

from __future__ import annotations

from flask import has_request_context, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from ..house import house

COOKIE = "language"


def chosen() -> str:
    if not has_request_context():
        return house().settings.language
    try:
        mine = getattr(getattr(current_user, "actor", None), "language", "")
    except SQLAlchemyError:  # the error page of a dead database must still find its language
        mine = ""
    word = mine or request.cookies.get(COOKIE, "")
    return word if word in ("zh", "en") else house().settings.language
