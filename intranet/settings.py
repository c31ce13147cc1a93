"""Settings: defaults < `instance/config.py` < `INTRANET_*` environment. The only reader of the environment.

Every error is collected and reported at once, so an operator mends the file in one go (INTERFACES "Settings").
"""

from __future__ import annotations

import os
import re
import runpy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
EXTRACT_LEASE = 900  # seconds for which a worker holds the reading of one file
LEVELS = ("public", "internal", "confidential", "secret", "topsecret")


class SettingsError(Exception):
    """One or more settings are wrong; `errors` lists each with its name and what is expected."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("settings: " + "; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Settings:
    """All effective settings. Field `x_y` is set by `X_Y` in config.py and `INTRANET_X_Y` in the environment."""

    data: Path = ROOT / "instance"
    database_url: str = field(default="", repr=False)
    store: str = field(default="file:blobs", repr=False)
    object_sizes: str = "exact"
    search: str = "whoosh"
    secret_key: str = field(default="", repr=False)
    key_passphrase_file: str = ""
    post_quantum: bool = False
    base_url: str = "http://127.0.0.1:8000"
    backup: str = field(default="backups", repr=False)
    office: str = "后勤管理处"
    office_en: str = "Logistics Office"
    timezone: str = "Asia/Shanghai"
    language: str = "zh"
    trusted_hosts: str = ""
    proxies: int = 0
    secure_cookies: bool = False
    mail_server: str = ""
    mail_from: str = ""
    max_upload_mb: int = 2048
    min_password: int = 10
    lockout_tries: int = 5
    lockout_minutes: int = 15
    idle_minutes: int = 60
    idle_minutes_secret: int = 15
    search_body_level: str = "internal"
    register_only_levels: str = "topsecret"
    state_secrets_approved: bool = False
    document_number: str = "{unit}-{letter}-{year}-{seq:04}"
    loan_days: int = 14
    slip_days: str = "internal=90 confidential=90 secret=90 topsecret=30"
    remind_days: int = 2
    inspect_days: str = "internal=365 confidential=182 secret=91 topsecret=30"
    download_level: str = "confidential"
    reading_minutes: int = 30
    glass_minutes: int = 15
    glass_review_hours: int = 24
    complaint_review_days: int = 3
    complaint_close_days: int = 5
    notice_expiry_days: int = 0
    orphan_hours: int = 24
    verify_days: int = 30
    rehearsal_days: int = 365
    header_retention_days: int = 7
    backup_hours: int = 24
    backup_alarm_hours: int = 26
    backup_keep_daily: int = 14
    backup_keep_weekly: int = 8
    backup_keep_monthly: int = 12
    extract_seconds: int = 30
    extract_memory_mb: int = 1024
    convert_seconds: int = 120
    ocr_pages: int = 40
    ocr_seconds: int = 600
    argon2_time: int = 3
    argon2_memory_kb: int = 65536
    worker_seconds: float = 0.5
    testing: bool = False

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def index(self) -> Path:
        return self.data / "index"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def sqlite(self) -> Path | None:
        """The database file, or None where the database is a server."""
        prefix = "sqlite:///"
        return Path(self.database_url[len(prefix) :]) if self.database_url.startswith(prefix) else None

    def days_of(self, name: str) -> dict[str, int]:
        """A setting that gives days for each level: ``internal=365 confidential=182 …`` -> {"internal": 365, …}."""
        return {
            level: int(days) for level, _, days in (x.partition("=") for x in getattr(self, name).split())
        }

    def masked(self) -> dict[str, str]:
        """The effective settings for `doctor`, with secrets masked."""
        shown = {f.name: str(getattr(self, f.name)) for f in fields(self)}
        shown["secret_key"] = "***" if self.secret_key else ""
        for name in ("database_url", "store", "backup"):
            shown[name] = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", shown[name])
            shown[name] = re.sub(r"(?i)([?&][a-z]*(?:password|secret|key)=)[^&]*", r"\1***", shown[name])
        return shown


def load(overrides: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The effective settings. Raises SettingsError with every error found."""
    environ = os.environ if environ is None else environ
    overrides = dict(overrides or {})
    errors: list[str] = []
    data = Path(str(overrides.get("data") or environ.get("INTRANET_DATA") or ROOT / "instance")).absolute()
    values: dict[str, object] = {}
    config = data / "config.py"
    if config.exists():
        try:
            names = runpy.run_path(str(config))
        except Exception as error:  # noqa: BLE001  the operator's file may hold anything; its error is reported, not raised
            raise SettingsError([f"{config.name}: {type(error).__name__}: {error}"]) from None
        values |= {k.lower(): v for k, v in names.items() if k.isupper()}
    values |= {
        k.removeprefix("INTRANET_").lower(): v
        for k, v in environ.items()
        if k.startswith("INTRANET_") and not k.startswith("INTRANET_TEST_")
    }
    values |= overrides | {"data": data}
    known = {f.name: f for f in fields(Settings)}
    clean: dict[str, object] = {}
    for name, value in values.items():
        if name not in known:
            errors.append(f"{name.upper()}: no such setting")
            continue
        try:
            clean[name] = _convert(known[name].default, value)
        except ValueError as error:
            errors.append(f"{name.upper()}: {error}")
    if not clean.get("database_url"):
        clean["database_url"] = f"sqlite:///{data / 'data.db'}"
    if not clean.get("secret_key"):
        clean["secret_key"] = _key_file(data)
    settings = Settings(**clean)  # type: ignore[arg-type]  # each value was converted to its field's type above
    errors += _check(settings)
    if errors:
        raise SettingsError(errors)
    return settings


def from_environment(name: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a setting comes from the environment, which no file can change."""
    return f"INTRANET_{name.upper()}" in (os.environ if environ is None else environ)


def _convert(default: object, value: object) -> object:
    if isinstance(default, bool):
        if str(value).lower() in ("1", "true", "yes", "on"):
            return True
        if str(value).lower() in ("0", "false", "no", "off", ""):
            return False
        raise ValueError("expected 1 or 0")
    if isinstance(default, (int, float)):
        number = type(default)(str(value))
        if number < 0:
            raise ValueError("must not be negative")
        return number
    if isinstance(default, Path):
        return Path(str(value))
    return str(value)


def _key_file(data: Path) -> str:
    path = data / "secret_key"
    return path.read_text().strip() if path.exists() else ""


def _check(s: Settings) -> list[str]:
    errors = []
    if s.secret_key and len(s.secret_key) < 32 and not s.testing:
        errors.append("SECRET_KEY: at least 32 characters (flask --app wsgi init makes one)")
    if not s.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        errors.append("DATABASE_URL: expected sqlite:///FILE or postgresql+psycopg://…")
    if s.search not in ("whoosh", "postgres"):
        errors.append("SEARCH: expected whoosh or postgres")
    if s.search == "postgres" and not s.database_url.startswith("postgresql+psycopg://"):
        errors.append(
            "SEARCH: postgres keeps its index in the database of DATABASE_URL, which must be PostgreSQL too"
        )
    if not s.store.startswith(("file:", "s3://")):
        errors.append("STORE: expected file:FOLDER or s3://key:secret@host:port/bucket")
    if s.object_sizes not in ("exact", "padme"):
        errors.append("OBJECT_SIZES: expected exact or padme")
    if s.language not in ("zh", "en"):
        errors.append("LANGUAGE: expected zh or en")
    if urlsplit(s.base_url).scheme not in ("http", "https"):
        errors.append("BASE_URL: expected http://… or https://…")
    for name in ("search_body_level", "register_only_levels", "download_level"):
        unknown = [level for level in str(getattr(s, name)).split() if level not in LEVELS]
        errors.extend(f"{name.upper()}: {level} is not one of {' '.join(LEVELS)}" for level in unknown)
    for name in ("slip_days", "inspect_days"):
        given = dict(re.findall(r"([a-z]+)=([1-9][0-9]{0,4})(?:\s|$)", getattr(s, name)))
        if set(given) != set(LEVELS[1:]):
            errors.append(
                f"{name.upper()}: expected days for each of {' '.join(LEVELS[1:])}, as in internal=365 …"
            )
    if any(part not in s.document_number for part in ("{year}", "{seq")):
        errors.append(
            "DOCUMENT_NUMBER: expected a template with {year} and {seq:04}, {unit} and {letter} if wanted"
        )
    if s.extract_seconds + s.convert_seconds + s.ocr_seconds > EXTRACT_LEASE - 60:
        errors.append(
            f"EXTRACT_SECONDS, CONVERT_SECONDS, OCR_SECONDS: at most {EXTRACT_LEASE - 60} together (one file)"
        )
    if s.header_retention_days < 1:
        errors.append("HEADER_RETENTION_DAYS: at least 1")
    if s.min_password < 8 and not s.testing:
        errors.append("MIN_PASSWORD: at least 8")
    return errors


def new_secret() -> str:
    """A fresh secret key: 256 bits."""
    return secrets.token_urlsafe(32)
