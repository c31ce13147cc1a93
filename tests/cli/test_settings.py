"""Settings: defaults < config.py < environment; every error at once, and nothing is started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from intranet.settings import ROOT, SettingsError, load

KEY = "a key for tests only, long enough to be taken"


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text('OFFICE = "总务处"\nLOAN_DAYS = 7\n', "utf-8")
    chosen = load({}, {"INTRANET_DATA": str(tmp_path), "INTRANET_SECRET_KEY": KEY, "INTRANET_LOAN_DAYS": "5"})
    assert (chosen.office, chosen.loan_days, chosen.idle_minutes) == ("总务处", 5, 60)


def test_every_wrong_setting_is_named_at_once(tmp_path: Path) -> None:
    wrong = {
        "INTRANET_DATA": str(tmp_path), "INTRANET_SECRET_KEY": "short", "INTRANET_STORE": "ftp://x", "INTRANET_LOAN_DAYS": "soon",
        "INTRANET_SEARCH_BODY_LEVEL": "middling", "INTRANET_COLOUR": "blue",
    }  # fmt: skip
    with pytest.raises(SettingsError) as refused:
        load({}, wrong)
    said = "\n".join(refused.value.errors)
    for name in ("SECRET_KEY", "STORE", "LOAN_DAYS", "SEARCH_BODY_LEVEL", "COLOUR"):
        assert name in said


def test_with_wrong_settings_nothing_starts(tmp_path: Path) -> None:
    environment = os.environ | {
        "INTRANET_DATA": str(tmp_path / "none"),
        "INTRANET_STORE": "ftp://x",
        "INTRANET_LANGUAGE": "fr",
    }
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "STORE" in done.stderr and "LANGUAGE" in done.stderr
    assert not (tmp_path / "none").exists()


def test_secrets_are_masked_where_settings_are_shown(tmp_path: Path) -> None:
    chosen = load({"data": tmp_path, "secret_key": KEY, "store": "s3://key:very-secret@host:9000/bucket"}, {})
    assert "very-secret" not in str(chosen.masked()) and KEY not in str(chosen.masked())
    assert "very-secret" not in repr(chosen)


def test_one_file_is_read_within_the_lease_of_its_job(tmp_path: Path) -> None:
    """Else a second worker would begin it again."""
    given = {"data": tmp_path, "secret_key": KEY, "ocr_seconds": 700, "convert_seconds": 100}
    with pytest.raises(SettingsError, match="OCR_SECONDS: at most 840 together"):
        load(given | {"extract_seconds": 41}, {})
    assert load(given | {"extract_seconds": 40}, {}).ocr_seconds == 700
