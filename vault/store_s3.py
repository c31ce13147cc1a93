"""A store in a bucket of any S3 server (Ceph, Garage, SeaweedFS, RustFS, AWS), over the `minio` client.

An object that fits one part goes up in one request with ``If-None-Match: *``, so the server itself refuses
a second writer. A longer one goes up in parts; for these, and for servers that ignore the condition, the
name is looked up first, which leaves a window: two writers of one long name at the same moment. Names that
writers choose at random or by content do not meet in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from minio import Minio
from minio.error import MinioException, S3Error
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from vault.store import (
    BLOCK,
    Corrupt,
    Exists,
    NotFound,
    Stat,
    StoreError,
    Unavailable,
    check_name,
    check_range,
    started,
)

PART = 5 << 20
"""The smallest part S3 allows: memory stays small, and 10,000 parts still make 48 GiB."""

_PROBE = "check"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", re.IGNORECASE)


class S3Store:
    """Implements `vault.store.Store`. The bucket must exist; one store may serve many threads.

    `http` replaces the connection pool (own certificates, other time limits).
    """

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        key: str,
        secret: str,
        *,
        secure: bool = True,
        region: str = "us-east-1",
        http: PoolManager | None = None,
    ) -> None:
        self.bucket = bucket
        self.endpoint = endpoint
        self._client = Minio(endpoint, key, secret, secure=secure, region=region, http_client=http or _pool())

    @classmethod
    def from_url(cls, url: str) -> S3Store:
        """``s3://KEY:SECRET@HOST:PORT/BUCKET?secure=0|1&region=NAME``; key and secret percent-encoded.

        Raises ValueError, which never quotes the address: it holds a secret.
        """
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        bucket = parts.path.strip("/")
        complete = parts.scheme == "s3" and parts.hostname and parts.username and parts.password
        if not complete or not _BUCKET.fullmatch(bucket):
            raise ValueError("an S3 store is given as s3://KEY:SECRET@HOST:PORT/BUCKET?secure=0|1")
        if set(options) - {"secure", "region"} or options.get("secure", "1") not in ("0", "1"):
            raise ValueError("the options of an S3 store are secure=0|1 and region=NAME")
        return cls(
            parts.netloc.rpartition("@")[2],
            bucket,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            secure=options.get("secure", "1") == "1",
            region=options.get("region", "us-east-1"),
        )

    def put(self, name: str, chunks: Iterable[bytes]) -> int:
        """See Store.put."""
        if self._has(check_name(name)):
            raise Exists(name)
        source = _Source(chunks)
        head = source.read(PART + 1)
        if len(head) <= PART:
            self._put_whole(name, head)
            return len(head)
        source.unread(head)
        with _mapped(name):
            self._client.put_object(self.bucket, name, source, -1, part_size=PART, num_parallel_uploads=1)  # type: ignore[arg-type]  # anything with read()
        size = source.given
        if self.stat(name).size != size:
            raise Corrupt(f"{name}: the server kept another length than was sent")
        return size

    def get(self, name: str) -> Iterator[bytes]:
        """See Store.get."""
        return started(self._pieces(check_name(name), 0, 0))

    def range(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """See Store.range."""
        check_range(start, length)
        if length == 0:  # which the client takes for "to the end"
            self.stat(name)
            return iter(())
        try:
            return started(self._pieces(check_name(name), start, length))
        except _BehindTheEnd:
            return iter(())

    def stat(self, name: str) -> Stat:
        """See Store.stat."""
        with _mapped(check_name(name)):
            found = self._client.stat_object(self.bucket, name)
        return Stat(name, found.size or 0, found.last_modified or datetime.fromtimestamp(0, UTC))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See Store.list."""
        with _mapped():
            for found in self._client.list_objects(self.bucket, prefix, recursive=True):
                modified = found.last_modified or datetime.fromtimestamp(0, UTC)
                yield Stat(found.object_name or "", found.size or 0, modified)

    def delete(self, name: str) -> None:
        """See Store.delete."""
        with _mapped(check_name(name)):
            self._client.remove_object(self.bucket, name)

    def check(self) -> None:
        """See Store.check: begins an upload and abandons it, which needs the right to write."""
        with _mapped():
            upload = self._client._create_multipart_upload(self.bucket, _PROBE, {})
            self._client._abort_multipart_upload(self.bucket, _PROBE, upload)

    def clear_partials(self, older_than_seconds: float) -> int:
        """See Store.clear_partials. S3 cannot tell a living writer from a dead one: give more seconds than
        the longest upload takes. Age is measured with the clock of the server."""
        removed = 0
        with _mapped():
            now = parsedate_to_datetime(self._client._execute("HEAD", self.bucket).headers["date"])
            markers: dict[str, Any] = {}
            while True:
                page = self._client._list_multipart_uploads(self.bucket, **markers)
                for upload in page.uploads:
                    began = upload.initiated_time or now
                    age = max(0.0, (now - began).total_seconds())  # the Date header has whole seconds
                    if age >= older_than_seconds:
                        self._client._abort_multipart_upload(
                            self.bucket, upload.object_name, upload.upload_id or ""
                        )
                        removed += 1
                if not page.is_truncated:
                    return removed
                markers = {
                    "key_marker": page.next_key_marker,
                    "upload_id_marker": page.next_upload_id_marker,
                }

    def _put_whole(self, name: str, body: bytes) -> None:
        # The public put_object of the client cannot carry a condition.
        try:
            with _mapped(name):
                self._client._put_object(self.bucket, name, body, {"If-None-Match": "*"})
        except Exists:
            # The name was free a moment ago. When what lies there is what we sent, the connection broke
            # after the server had finished, and the client's own retry met our own object.
            with _mapped(name):
                found = self._client.stat_object(self.bucket, name)
            if (found.etag or "").strip('"') != hashlib.md5(body, usedforsecurity=False).hexdigest():
                raise

    def _has(self, name: str) -> bool:
        try:
            self.stat(name)
        except NotFound:
            return False
        return True

    def _pieces(self, name: str, start: int, length: int) -> Generator[bytes]:
        """`length` 0 means to the end, as in the client."""
        with _mapped(name):
            response = self._client.get_object(self.bucket, name, start, length)
        try:
            if length and response.status != HTTPStatus.PARTIAL_CONTENT:
                raise Corrupt(f"{name}: the server ignores ranges")
            expected = int(response.headers.get("content-length", "-1"))
            got = 0
            pieces = response.stream(BLOCK, decode_content=False)
            while True:
                with _mapped(name):
                    piece = next(pieces, b"")
                if not piece:
                    break
                got += len(piece)
                yield piece
            if got != expected:
                raise Corrupt(f"{name}: {got} bytes came instead of {expected}")
        finally:
            # A body that was not read to its end would be taken for the next answer: close, then give back.
            response.close()
            response.release_conn()


class _BehindTheEnd(StoreError):
    """A range that begins behind the end of its object."""


class _Source:
    """The chunks of a writer as something to `read` from, with one step back."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = b""
        self.given = 0

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, fewer at the end only."""
        pieces = [self._held]
        length = len(self._held)
        while length < size:
            piece = next(self._chunks, None)
            if piece is None:
                break
            pieces.append(piece)
            length += len(piece)
        data = b"".join(pieces)
        self._held = data[size:]
        self.given += min(size, length)
        return data[:size]

    def unread(self, data: bytes) -> None:
        """Put back what was read last."""
        self._held = data + self._held
        self.given -= len(data)


def _pool() -> PoolManager:
    # Certificates come from the system's trust store, where offices put their own authority.
    return PoolManager(
        maxsize=16,
        timeout=Timeout(connect=10, read=60),
        cert_reqs="CERT_REQUIRED",
        # Every method: an upload begun twice is swept, one completed twice is refused; nothing is kept twice.
        retries=Retry(
            total=4, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), allowed_methods=None
        ),
    )


@contextmanager
def _mapped(name: str = "") -> Iterator[None]:
    """The client's errors as those of the protocol; the texts hold codes, never credentials."""
    try:
        yield
    except S3Error as error:
        if error.code in ("NoSuchKey", "NoSuchObject") and name:
            raise NotFound(name) from None
        if error.code == "InvalidRange":
            raise _BehindTheEnd(name) from None
        if error.code == "PreconditionFailed":
            raise Exists(name) from None
        raise Unavailable(f"{error.code}: {error.message}") from error
    except (MinioException, HTTPError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
