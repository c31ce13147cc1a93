"""Files through the real web server: upload and download of 1 GiB, what a web process grows by, and whether others still get
their pages while four uploads run.

The peer of each figure is measured in the same run: `cp` of the same bytes for the rates, the same page on an idle server
for the waiting time. MB/s are printed with the limits of the product beside; what must hold on any machine (memory, pages
that go on) fails the benchmark.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from bench import office
from intranet import demo, settings
from intranet.cli.office import prepare
from intranet.extensions import db

SIZE = 1 << 30
AT_ONCE, EACH = 4, 256 << 20
UP, DOWN = 150, 300  # MB/s
GROWTH = 32  # MB that the web processes may grow by, together
WAIT = 20.0  # times the waiting time of an idle server that a page may take while four uploads run
BLOCK = os.urandom(1 << 20)
FIELDS = ("unit", "business", "management", "medium")


def main() -> int:
    """Print the table; 1 when memory or the pages of others do not hold."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=settings.ROOT) as name:
        folder = Path(name)
        _found(folder)
        with Server(folder) as server:
            copied = _copy(folder)
            client = Client(server.port, "officer")
            client.page("/items/resource/")
            before = server.resident()
            up, where = client.upload(SIZE)
            grown_up = server.resident(peak=True) - before
            down = client.download(where, SIZE)
            grown = server.resident(peak=True) - before
            idle, busy = _beside(server)
        print(f"   {'1 GiB, one after another':<34}{'MB/s':>9}{'limit':>9}{'of cp':>9}")
        for way, seconds, limit in (("upload", up, UP), ("download", down, DOWN)):
            rate = SIZE / seconds / 1e6
            print(f"   {way:<34}{rate:>9.0f}{limit:>9}{rate / copied:>8.2f}x")
        print(f"   {'cp to the same disk':<34}{copied:>9.0f}")
        print(f"   {'web processes grow, MB':<34}{max(grown, grown_up):>9.0f}{GROWTH:>9}")
        print(f"   {'a page of others, ms':<34}{'p50':>9}{'p95':>9}")
        for what, times in (("idle", idle), ("while 4 x 256 MiB come in", busy)):
            print(f"   {what:<34}{statistics.median(times) * 1e3:>9.0f}{_p95(times) * 1e3:>9.0f}")
        ratio = _p95(busy) / _p95(idle)
        print(f"   {'ratio of p95':<34}{'':>9}{ratio:>8.1f}x  of at most {WAIT:g}x")
        return 1 if max(grown, grown_up) > GROWTH or ratio > WAIT else 0


def _found(folder: Path) -> None:
    app = office.opened(folder)
    with app.app_context():
        house = app.extensions["house"]
        prepare(house.settings)
        demo.settle(house)
        house.engine.close()
        db.session.remove()
        db.engine.dispose()


def _copy(folder: Path) -> float:
    """MB/s of `cp` of the same bytes on the same disk."""
    one, two = folder / "one", folder / "two"
    with one.open("wb") as out:
        for _ in range(SIZE >> 20):
            out.write(BLOCK)
    start = time.perf_counter()
    subprocess.run(["cp", str(one), str(two)], check=True)
    subprocess.run(["sync", str(two)], check=True)
    seconds = time.perf_counter() - start
    one.unlink()
    two.unlink()
    return SIZE / seconds / 1e6


def _beside(server: Server) -> tuple[list[float], list[float]]:
    """Waiting times of a page for somebody else: on the idle server, and while uploads run."""
    other = Client(server.port, "cook")
    idle = [other.timed("/items/resource/") for _ in range(60)]
    people = [Client(server.port, "officer") for _ in range(AT_ONCE)]
    going = [threading.Thread(target=one.upload, args=(EACH,)) for one in people]
    for thread in going:
        thread.start()
    busy = []
    while any(thread.is_alive() for thread in going):
        busy.append(other.timed("/items/resource/"))
    for thread in going:
        thread.join()
    return idle, busy


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


class Server:
    """gunicorn as it is deployed, over a folder."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        env = {k: v for k, v in os.environ.items() if not k.startswith("INTRANET_")}
        env |= {"INTRANET_DATA": str(folder), "PORT": str(self.port), "HOST": "127.0.0.1"}
        env |= {"INTRANET_ARGON2_TIME": "1", "INTRANET_ARGON2_MEMORY_KB": "1024"}
        command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "wsgi:app"]
        self._log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(command, cwd=settings.ROOT, env=env, stderr=self._log)

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if Client.fetch(self.port, "/healthz") == 200:
                    return self
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the web server did not start")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def resident(self, *, peak: bool = False) -> float:
        """MB of all web processes; `peak`: the most they ever had."""
        word = "VmHWM:" if peak else "VmRSS:"
        total = 0
        for child in _children(self._process.pid):
            for line in Path(f"/proc/{child}/status").read_text().splitlines():
                if line.startswith(word):
                    total += int(line.split()[1])
        return total / 1024


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Client:
    """One person at a browser of few words."""

    def __init__(self, port: int, login: str) -> None:
        self._port = port
        self._cookie = ""
        token = _token(self.page("/login"))
        self._post(
            "/login", urlencode({"login": login, "password": demo.PASSWORD, "csrf_token": token}).encode()
        )

    @staticmethod
    def fetch(port: int, path: str) -> int:
        """The status of a page that is open to everybody."""
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        line.request("GET", path)
        status = line.getresponse().status
        line.close()
        return status

    def page(self, path: str) -> str:
        """A page as text."""
        answer, line = self._ask("GET", path)
        text = answer.read().decode()
        line.close()
        return text

    def timed(self, path: str) -> float:
        """Seconds until a page has come."""
        start = time.perf_counter()
        self.page(path)
        return time.perf_counter() - start

    def upload(self, size: int) -> tuple[float, str]:
        """Deposit so many bytes with a new resource, by its form; seconds, and the address of the file."""
        form = self.page("/items/resource/new")
        mark = "boundary" + os.urandom(8).hex()
        facts = {"title": "基准用文件", "level": "internal", "csrf_token": _token(form)}
        facts |= {name: _first(form, name) for name in FIELDS}
        head = "".join(
            f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in facts.items()
        )
        head += f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="bench.bin"\r\n\r\n'
        tail = f"\r\n--{mark}--\r\n"

        def body() -> Iterator[bytes]:
            yield head.encode()
            for _ in range(size >> 20):
                yield BLOCK
            yield tail.encode()

        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Content-Length": str(len(head.encode()) + size + len(tail)),
        }
        start = time.perf_counter()
        answer, line = self._ask("POST", "/items/resource/new", body(), headers)
        answer.read()
        seconds = time.perf_counter() - start
        line.close()
        if answer.status != 303:
            raise SystemExit(f"the upload was answered with {answer.status}")
        found = re.search(r'href="(/f/[^"]+)"', self.page(answer.headers["Location"]))
        if found is None:
            raise SystemExit("the page of the new resource shows no file")
        return seconds, found[1].replace("&amp;", "&")

    def download(self, path: str, size: int) -> float:
        """Seconds until the whole file has come."""
        start = time.perf_counter()
        answer, line = self._ask("GET", path)
        got = 0
        buffer = bytearray(1 << 20)
        while count := answer.readinto(buffer):
            got += count
        seconds = time.perf_counter() - start
        line.close()
        if got != size:
            raise SystemExit(f"{got} bytes came of {size}: {answer.status}")
        return seconds

    def _post(self, path: str, body: bytes) -> None:
        answer, line = self._ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer.read()
        line.close()
        if answer.status != 303:
            raise SystemExit(f"{path}: {answer.status}")

    def _ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        line.request(method, path, body, {"Cookie": self._cookie} | (headers or {}))
        answer = line.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            self._cookie = cookie.partition(";")[0]
        return answer, line


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    if found is None:
        raise SystemExit("a form without a token")
    return found[1]


def _first(page: str, name: str) -> str:
    """The first choice of a list in a form."""
    part = page[page.index(f'name="{name}"') :]
    return next(value for value in re.findall(r'<option[^>]*value="([^"]*)"', part) if value)
