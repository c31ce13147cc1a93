"""The real web server over a data folder, for tests that cut connections and kill processes."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask.testing import FlaskClient

from tests.office import SECRET_KEY

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Server:
    """A running gunicorn: its port, the process that answers, what it has said."""

    process: subprocess.Popen[str]
    port: int = 0
    worker: int = 0
    said: list[str] = field(default_factory=list)

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def kill(self) -> str:
        """-9 for all its processes at once; everything it has said."""
        os.killpg(self.process.pid, signal.SIGKILL)
        return self._end()

    def stop(self) -> str:
        """End it in order; everything it has said."""
        self.process.terminate()
        return self._end()

    def _end(self) -> str:
        rest, _ = self.process.communicate(timeout=60)
        return "".join([*self.said, rest])


@contextmanager
def serving(data: Path, temp: Path) -> Iterator[Server]:
    """The server as `make serve` starts it, with one worker, on a free port."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("INTRANET_")}
    env |= {"INTRANET_DATA": str(data), "INTRANET_SECRET_KEY": SECRET_KEY, "TMPDIR": str(temp)}
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"]
    command += ["--bind", "127.0.0.1:0", "--workers", "1", "wsgi:app"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    server = Server(process)
    try:
        assert process.stdout is not None
        while not (server.port and server.worker):
            line = process.stdout.readline()
            assert line, "".join(server.said)
            server.said.append(line)
            if found := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line):
                server.port = int(found[1])
            if found := re.search(r"Booting worker with pid: (\d+)", line):
                server.worker = int(found[1])
        yield server
    finally:
        if process.poll() is None:
            server.kill()
        if process.stdout is not None:
            process.stdout.close()


def carried(browser: FlaskClient) -> dict[str, str]:
    """The headers that make another connection the same browser: its cookie and its name."""
    cookie = browser.get_cookie("intranet")
    assert cookie is not None
    agent = str(browser.environ_base["HTTP_USER_AGENT"])
    return {"Cookie": f"intranet={cookie.value}", "User-Agent": agent}
