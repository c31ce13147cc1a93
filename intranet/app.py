"""create_app: the only file that knows every part."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from search import extract_programs
from search.engine import Engine
from search.engine_postgres import PostgresEngine
from search.engine_whoosh import WhooshEngine
from vault.stores import open_store
from vault.vault import Vault

from . import cli, database, kinds, web
from .extensions import babel, csrf, db, htmx, limiter, login, migrate
from .house import House, utc_now
from .keys import LiveKeyring
from .kinds.base import Kind
from .policy import Policy
from .rendering.runner import Renderer
from .settings import Settings, load
from .web import language, page, signin, upload

HERE = Path(__file__).resolve().parent


def create_app(
    settings: Settings | None = None,
    *,
    extra_kinds: tuple[Kind, ...] = (),
    clock: Callable[[], Any] = utc_now,
    vault: Vault | None = None,
) -> Flask:
    """The application. Raises SettingsError or KindError with every error listed; then nothing is started."""
    settings = settings or load()
    registry = kinds.registry(extra_kinds)
    app = Flask(
        "intranet",
        root_path=str(HERE),
        template_folder=str(HERE.parent / "templates"),
        static_folder=str(HERE / "static"),
        instance_path=str(settings.data),
    )
    app.config.update(_flask_config(settings))
    if settings.proxies:
        app.wsgi_app = ProxyFix(
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )  # type: ignore[method-assign]
    app.url_map.converters["int"] = page.Id
    for extension in (db, login, csrf, limiter, htmx):
        extension.init_app(app)
    app.request_class = upload.SealedRequest  # after htmx, whose own class it extends
    babel.init_app(app, locale_selector=language.chosen, timezone_selector=lambda: settings.timezone)
    language.bind(app)
    migrate.init_app(app, db, directory=str(HERE / "migrations"))
    with app.app_context():
        database.tune(db.engine)
    keys = LiveKeyring(
        settings.keys, passphrase_file=settings.key_passphrase_file, hybrid=settings.post_quantum
    )
    app.extensions["house"] = House(
        settings=settings,
        kinds=registry,
        policy=Policy(registry),
        vault=vault or _vault(settings, keys),
        keys=keys,
        engine=_engine(settings),
        clock=clock,
        renderer=_renderer(settings),
    )
    signin.bind(app)
    page.bind(app)
    for blueprint in web.blueprints():
        app.register_blueprint(blueprint)
    cli.bind(app)
    logging.getLogger("intranet").setLevel(logging.INFO)
    return app


def _engine(s: Settings) -> Engine:
    """One machine keeps its index in a folder, several in the database that they share."""
    if s.search == "postgres":
        return PostgresEngine(s.database_url)
    return WhooshEngine(s.index, fsync=not s.testing)


def _renderer(s: Settings) -> Renderer:
    """Pages are made within the limits that hold for reading files; nobody waits longer than a minute for a page."""
    return Renderer(
        seconds=s.extract_seconds,
        memory=s.extract_memory_mb << 20,
        convert_seconds=min(60, s.convert_seconds),
        programs=extract_programs.find,
    )


def _vault(s: Settings, keys: LiveKeyring) -> Vault:
    keys()  # wrong key files end the start, not a request
    return Vault(open_store(s.store, s.data), keys, padded=s.object_sizes == "padme")


def _flask_config(s: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": s.secret_key or None,
        "SQLALCHEMY_DATABASE_URI": s.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": database.options(s),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": s.secure_cookies,
        "SESSION_COOKIE_NAME": "intranet",
        "PERMANENT_SESSION_LIFETIME": timedelta(minutes=s.idle_minutes),
        "SESSION_REFRESH_EACH_REQUEST": True,
        "WTF_CSRF_TIME_LIMIT": None,
        "MAX_CONTENT_LENGTH": (s.max_upload_mb + 1) << 20,
        "MAX_FORM_MEMORY_SIZE": 4 << 20,
        "MAX_FORM_PARTS": 400,
        "TRUSTED_HOSTS": s.trusted_hosts.split() or None,
        "BABEL_DEFAULT_LOCALE": "zh",
        "BABEL_DEFAULT_TIMEZONE": s.timezone,
        "BABEL_TRANSLATION_DIRECTORIES": str(HERE / "translations"),
        "RATELIMIT_ENABLED": not s.testing,
        "RATELIMIT_HEADERS_ENABLED": False,
        "TESTING": s.testing,
        "SEND_FILE_MAX_AGE_DEFAULT": 31_536_000,
    }
