"""What only the S3 store promises: errors named, bodies that end early noticed, uploads swept."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import urlsplit, urlunsplit

import pytest
from urllib3 import PoolManager, Retry

from vault.store import Corrupt, Exists, Unavailable
from vault.store_s3 import PART, S3Store

MIB = 1 << 20


def impatient() -> PoolManager:
    """A connection pool that gives up at once."""
    return PoolManager(retries=Retry(0), timeout=5)


class Liar(BaseHTTPRequestHandler):
    """A server that promises more than it sends, or forgets what it was asked."""

    protocol_version = "HTTP/1.1"
    promised = "1000"

    def do_GET(self) -> None:
        """Answer with ten bytes."""
        self.send_response(200)
        self.send_header("Content-Length", self.promised)
        self.end_headers()
        self.wfile.write(b"0123456789")
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def liar() -> Iterator[S3Store]:
    """A store at a server that lies."""
    with HTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            address = f"127.0.0.1:{server.server_port}"
            yield S3Store(address, "bucket", "key", "secret", secure=False, http=impatient())
        finally:
            server.shutdown()
            thread.join()


def test_a_body_that_ends_early_never_ends_cleanly(liar: S3Store) -> None:
    with pytest.raises(Unavailable):
        b"".join(liar.get("abc"))


def test_a_server_without_ranges_is_noticed(liar: S3Store) -> None:
    with pytest.raises(Corrupt, match="ranges"):
        liar.range("abc", 5, 3)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    store = S3Store("127.0.0.1:9", "bucket", "key", "secret", secure=False, http=impatient())
    for call in (
        store.check,
        lambda: store.get("a"),
        lambda: store.stat("a"),
        lambda: list(store.list()),
        lambda: store.put("a", [b"x"]),
        lambda: store.delete("a"),
        lambda: store.clear_partials(0),
    ):
        with pytest.raises(Unavailable):
            call()


def test_wrong_credentials_are_unavailable_and_not_repeated_in_the_text(s3_url: str) -> None:
    parts = urlsplit(s3_url)
    store = S3Store.from_url(s3_url.replace(f":{parts.password}@", ":wr%C3%B6ng%2Fsecret@"))
    for call in (
        store.check,
        lambda: store.get("a"),
        lambda: list(store.list()),
        lambda: store.put("a", [b"x"]),
    ):
        with pytest.raises(Unavailable) as caught:
            call()
        assert "secret" not in str(caught.value)


def test_a_missing_bucket_is_unavailable_and_no_missing_object(s3_url: str) -> None:
    store = S3Store.from_url(urlunsplit(urlsplit(s3_url)._replace(path="/no-such-bucket")))
    for call in (
        store.check,
        lambda: store.get("a"),
        lambda: list(store.list()),
        lambda: store.put("a", [b"x"]),
    ):
        with pytest.raises(Unavailable):
            call()


def test_the_server_itself_refuses_the_second_writer(s3_url: str) -> None:
    store = S3Store.from_url(s3_url)
    store.put("race", [b"first"])
    try:
        # As if the look-up before had not seen the other writer yet.
        with pytest.raises(Exists):
            store._put_whole("race", b"second")
        # The same bytes mean that our own first attempt had arrived.
        store._put_whole("race", b"first")
        assert b"".join(store.get("race")) == b"first"
    finally:
        store.delete("race")


def test_uploads_of_dead_writers_are_swept(s3_url: str) -> None:
    store = S3Store.from_url(s3_url)
    upload = store._client._create_multipart_upload(store.bucket, "dead", {})
    store._client._upload_part(store.bucket, "dead", bytes(PART), {}, upload, 1)
    assert list(store.list("dead")) == []
    assert store.clear_partials(3600) == 0
    assert store.clear_partials(0) == 1
    assert store.clear_partials(0) == 0


def test_addresses_are_read_with_care() -> None:
    store = S3Store.from_url("s3://k%2Fy:s%40c@host.example:8443/bucket?region=eu-1")
    assert (store.endpoint, store.bucket) == ("host.example:8443", "bucket")
    for url in (
        "s3://key:hidden@host",
        "s3://key:hidden@host/a/b",
        "s3://key@host/bucket",
        "s3://key:hidden@host/b",
        "s3://key:hidden@host/bucket?secure=maybe",
        "s3://key:hidden@host/bucket?sequre=0",
    ):
        with pytest.raises(ValueError, match="S3 store") as caught:
            S3Store.from_url(url)
        assert "hidden" not in str(caught.value)
