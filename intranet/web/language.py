"""Which language a page speaks: the person's choice, then this browser's choice (cookie), then the setting.

A page has some hundred texts. What is the same for all of them, the catalogue of its language, is looked up once a request.
"""

from __future__ import annotations

from gettext import NullTranslations
from typing import Any

from flask import Flask, g, has_request_context, request
from flask_babel import Domain, get_locale
from flask_login import current_user
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError

from ..extensions import babel
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


def english() -> bool:
    """Whether the page speaks English; it speaks Chinese otherwise."""
    locale = get_locale()
    return locale is not None and locale.language == "en"


class Catalogue(Domain):  # type: ignore[misc]  # the package has no types
    """The texts of the application. flask-babel asks for the catalogue at each text, by the name of the language; here it
    is kept with the language itself, in the place that `flask_babel.force_locale` and `refresh` empty when that changes."""

    def get_translations(self) -> NullTranslations:
        try:
            kept: NullTranslations | None = g._flask_babel.babel_translations
        except (AttributeError, RuntimeError):  # nothing looked up yet, or no application at work
            kept = None
        if kept is None:
            kept = super().get_translations()
            if g:
                g._flask_babel.babel_translations = kept
        return kept


TEXTS = Catalogue()


def catalogue() -> NullTranslations:
    """The catalogue of the page's language. What consists of its words alone may be kept under it, for all pages."""
    return TEXTS.get_translations()


def bind(app: Flask) -> None:
    """Every text of code and templates comes from this catalogue."""
    babel.domain_instance = TEXTS
    app.jinja_env.globals |= {"_": _text, "gettext": _text}


@pass_eval_context
def _text(context: EvalContext, text: str, /, **variables: Any) -> str:
    """gettext for the templates, in Jinja's newer style: the text is a format, and what is put into it is escaped."""
    words = catalogue().gettext(text)
    if not context.autoescape:
        return words % variables
    # What `Markup(words) % variables` does, without the wrapper that it puts around each value.
    safe = {name: v if isinstance(v, (int, float)) else escape(v) for name, v in variables.items()}
    return Markup(words % safe)  # noqa: S704  our own text, and what was put in is escaped
