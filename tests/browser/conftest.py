"""A real server on loopback and a real Chromium in front of it. The worker is run by the test, where it would run by itself."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from intranet.demo import PASSWORD
from intranet.extensions import db
from intranet.jobs import worker
from tests import databases, office
from vault.keyring import Keyring
from vault.store_fs import FileStore
from vault.vault import Vault

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing: apt-get install chromium")
        pytest.skip("Chromium is missing: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def served(tmp_path: Path, settled: str, keyring: Keyring, clock: office.Clock) -> Iterator[Flask]:
    """The office over a real file store, with CSRF and everything else as in service."""
    with databases.copied(settled, tmp_path) as url:
        app = office.build(tmp_path, url, keyring=keyring, clock=clock, base_url="http://127.0.0.1")
        app.extensions["house"].vault = Vault(FileStore(tmp_path / "blobs"), keyring)
        app.config["WTF_CSRF_ENABLED"] = True
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        app.config["TEST_URL"] = f"http://127.0.0.1:{server.server_port}"
        with office.running(app):
            yield app
            server.shutdown()
            thread.join()


@pytest.fixture
def work(served: Flask) -> Callable[[], None]:
    """What the worker does by itself, done now."""

    def run() -> None:
        db.session.rollback()
        worker.once(served.extensions["house"])
        db.session.rollback()

    return run


class Seat:
    """Somebody at a browser: a context of their own, signed in."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.page: Page = context.new_page()
        self.page.set_default_timeout(12_000)
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on(
            "console", lambda m: self.troubles.append(m.text) if "Content Security Policy" in m.text else None
        )

    def go(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, login: str) -> None:
        self.go("/login")
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.locator("main button[type=submit]").first.click()
        self.page.wait_for_url(self.url + "/")


@pytest.fixture
def seat(chromium: Browser, served: Flask) -> Iterator[Callable[..., Seat]]:
    """`seat("custodian")`; `seat()` for somebody without an account; `phone=True` at 390 pixels."""
    opened: list[tuple[BrowserContext, Seat]] = []

    def sit(login: str = "", *, phone: bool = False, javascript: bool = True) -> Seat:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 860}
        context = chromium.new_context(viewport=size, locale="zh-CN", java_script_enabled=javascript)  # type: ignore[arg-type]
        one = Seat(context, served.config["TEST_URL"])
        opened.append((context, one))
        if login:
            one.sign_in(login)
        return one

    yield sit
    troubles = [t for _context, one in opened for t in one.troubles]
    for context, _one in opened:
        context.close()
    assert not troubles, troubles
