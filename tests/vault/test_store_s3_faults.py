"""An S3 server that is busy, and a line to a real one that breaks: named errors, nothing half, and a repeat that works."""

from __future__ import annotations

import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer
from threading import Lock, Thread
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.vault.test_store_s3 import impatient
from tests.vault.test_stores import into
from vault.age import Damaged
from vault.keyring import Keyring
from vault.levels import Level
from vault.store import Corrupt, NotFound, Unavailable
from vault.store_s3 import PART, S3Store
from vault.vault import Vault

MIB = 1 << 20
BODY = bytes(range(256)) * (8 * MIB // 256)
UPLOAD = b"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
DONE = b"<CompleteMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><ETag>e</ETag></CompleteMultipartUploadResult>"


@contextmanager
def served(server: BaseServer) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Busy(BaseHTTPRequestHandler):
    """Refuses each request twice, then does what it was asked."""

    protocol_version = "HTTP/1.1"
    tries: ClassVar[dict[str, list[float]]]
    kept: ClassVar[dict[str, bytes]]

    def handle_one_request(self) -> None:
        """Answer whatever the method is."""
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        path = urlsplit(self.path).path
        times = self.tries[f"{self.command} {self.path}"]
        times.append(time.monotonic())
        if self.command != "HEAD" and len(times) <= 2:
            self.answer(503, b"<Error><Code>SlowDown</Code><Message>busy</Message></Error>")
        elif self.command == "PUT":
            self.kept[path] = self.kept.get(path, b"") + body
            self.answer(200)
        elif self.command == "POST":
            self.answer(200, DONE if "uploadId" in self.path else UPLOAD)
        elif path in self.kept:
            self.answer(200, self.kept[path])
        else:
            self.answer(404)

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"e"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("size", [10, PART + 10])
def test_a_busy_server_is_asked_again_and_later_each_time(size: int) -> None:
    class Here(Busy):
        tries: ClassVar[dict[str, list[float]]] = defaultdict(list)
        kept: ClassVar[dict[str, bytes]] = {}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Here)
    with served(server):
        store = S3Store(f"127.0.0.1:{server.server_port}", "bucket", "key", "secret", secure=False)
        assert store.put("k", [BODY[:size]]) == size
        assert b"".join(store.get("k")) == BODY[:size]
        store._client._http.clear()
    asked = {key: times for key, times in Here.tries.items() if not key.startswith("HEAD")}
    assert sum(key.startswith("PUT") for key in asked) == (1 if size < PART else 2)
    for key, (first, second, third) in asked.items():  # three tries of each, neither more nor fewer
        assert third - second > second - first + 0.2, key


class Line:
    """A line to a server that can be told to break: after so many bytes up or down, or when an answer to a PUT comes."""

    def __init__(self, host: str, port: int) -> None:
        self.up = self.down = 1 << 62
        self.lost_answers = 0
        self.broken = 0
        self._lock = Lock()
        line = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection((host, port)) as server:
                    back = Thread(target=line.pump, args=(server, self.request, False))
                    back.start()
                    line.pump(self.request, server, True)
                    back.join()

        class Server(ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)

    def pump(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(65536):
                passed += len(piece)
                if passed > (self.up if up else self.down) or (not up and self._loses(piece)):
                    self.broken += 1
                    break
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _loses(self, piece: bytes) -> bool:
        with self._lock:
            lost = self.lost_answers > 0 and piece.startswith(b"HTTP/1.1 200")
            self.lost_answers -= lost
        return lost


Through = Callable[..., S3Store]


@pytest.fixture
def line(s3_url: str) -> Iterator[Line]:
    parts = urlsplit(s3_url)
    made = Line(parts.hostname or "", parts.port or 80)
    with served(made.server):
        yield made


@pytest.fixture
def direct(s3_url: str) -> Iterator[S3Store]:
    """The same bucket by a good line; empty afterwards."""
    store = S3Store.from_url(s3_url)
    yield store
    for found in store.list():
        store.delete(found.name)
    store.clear_partials(0)


@pytest.fixture
def store(s3_url: str, line: Line) -> Iterator[S3Store]:
    """Through the line, giving up at once."""
    made = through(s3_url, line)
    made._client._http = impatient()
    yield made
    made._client._http.clear()


def through(s3_url: str, line: Line) -> S3Store:
    parts: Any = urlsplit(s3_url)
    near = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{line.server.server_address[1]}"
    return S3Store.from_url(urlunsplit(parts._replace(netloc=near)))


def test_a_line_that_breaks_in_a_get_never_ends_cleanly(store: S3Store, direct: S3Store, line: Line) -> None:
    direct.put("k", [BODY])
    line.down = 3 * MIB
    got = bytearray()
    with pytest.raises((Unavailable, Corrupt)):
        into(got, lambda: store.get("k"))
    assert 0 < len(got) < len(BODY)
    assert BODY.startswith(got)
    assert line.broken
    line.down = 1 << 62
    assert b"".join(store.get("k")) == BODY


def test_a_line_that_breaks_releases_only_what_is_proved(
    store: S3Store, direct: S3Store, line: Line, keyring: Keyring
) -> None:
    sealed = Vault(direct, keyring).deposit("k", [BODY], Level.SECRET, b"7")
    line.down = 3 * MIB
    got = bytearray()
    with pytest.raises((Unavailable, Corrupt, Damaged)):
        into(got, lambda: Vault(store, keyring).open("k", sealed.header, b"7", len(BODY)))
    assert 0 < len(got) < len(BODY)
    assert BODY.startswith(got)


@pytest.mark.parametrize("size", [4 * MIB, 8 * MIB])
@pytest.mark.parametrize("at", [2 * MIB, 6 * MIB])
def test_a_line_that_breaks_in_a_put_leaves_nothing_and_it_may_be_repeated(
    store: S3Store, direct: S3Store, line: Line, size: int, at: int
) -> None:
    line.up = min(at, size - MIB)
    with pytest.raises(Unavailable):
        store.put("k", [BODY[:size]])
    assert line.broken
    assert list(direct.list()) == []
    with pytest.raises(NotFound):
        direct.get("k")
    line.up = 1 << 62
    assert store.put("k", [BODY[:size]]) == size
    assert b"".join(direct.get("k")) == BODY[:size]


def test_an_answer_that_is_lost_is_not_taken_for_another_writer(
    s3_url: str, direct: S3Store, line: Line
) -> None:
    store = through(s3_url, line)
    line.lost_answers = 1
    assert store.put("k", [b"arrived at the first try"]) == 24
    assert line.broken == 1
    assert b"".join(direct.get("k")) == b"arrived at the first try"
    store._client._http.clear()
