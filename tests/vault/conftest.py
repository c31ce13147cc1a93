"""What the tests of the vault share: keys, programs of others, and an S3 server when there is one."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import pytest
from minio import Minio

from vault.keyring import Keyring

TOOLS = Path(__file__).parents[1] / "tools"


def missing(what: str, *, fatal: bool) -> None:
    """Leave out the test, or fail it where everything is supposed to be at hand."""
    if fatal:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete key folder; tests that change one make their own copy."""
    folder = tmp_path_factory.mktemp("office") / "keys"
    Keyring.create(folder)
    return folder


@pytest.fixture(scope="session")
def keyring(keys_folder: Path) -> Keyring:
    """All keys of an office."""
    return Keyring.load(keys_folder)


@pytest.fixture(scope="session")
def age_program() -> str:
    """The `age` program of the system."""
    program = shutil.which("age")
    if program is None:
        missing(
            "the age program is not installed (apt-get install age)", fatal=os.environ.get("CI") == "true"
        )
    assert program is not None
    return program


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 server with a bucket of our own: at INTRANET_TEST_S3, or in a Ceph gateway
    that the test processes of one run share."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    wish = os.environ.get("INTRANET_TEST_S3", "")
    if wish.startswith("s3://"):
        yield _with_bucket(wish, worker)
        return
    if not all(map(shutil.which, ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin"))) or os.geteuid() != 0:
        fatal = os.environ.get("CI") == "true" and wish == "required"
        missing(
            "no S3 server: set INTRANET_TEST_S3, or install ceph-mon ceph-osd radosgw as root", fatal=fatal
        )
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if worker else base) / "ceph"
    shared.mkdir(exist_ok=True)
    with _ceph(shared) as url:
        yield _with_bucket(url, worker)


@contextmanager
def _ceph(shared: Path) -> Iterator[str]:
    """A running gateway: the first process that asks starts it, the last one that leaves ends it."""
    script, state, url, users = str(TOOLS / "s3_up.sh"), shared / "state", shared / "url", shared / "users"
    with _locked(shared):
        count = int(users.read_text()) if users.exists() else 0
        if count == 0:
            # Output to a file: the daemons outlive the script and would hold a pipe open.
            with url.open("w") as out:
                subprocess.run([script, "start", str(state), str(_free_port())], check=True, stdout=out)
        users.write_text(str(count + 1))
    try:
        yield url.read_text().strip()
    finally:
        with _locked(shared):
            users.write_text(str(int(users.read_text()) - 1))
            if users.read_text() == "0":
                subprocess.run([script, "stop", str(state)], check=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _with_bucket(url: str, worker: str) -> str:
    """The address with a bucket that only this process uses."""
    parts = urlsplit(url)
    bucket = "-".join(filter(None, (parts.path.strip("/"), worker)))
    endpoint = parts.netloc.rpartition("@")[2]
    key, secret = unquote(parts.username or ""), unquote(parts.password or "")
    client = Minio(endpoint, key, secret, secure="secure=0" not in parts.query, region="us-east-1")
    if not client.bucket_exists(bucket):
        client.make_bucket(bucket)
    return urlunsplit(parts._replace(path=f"/{bucket}"))


def _free_port() -> int:
    """A port of loopback that is free, as is the one 1000 above, which the monitor takes."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1000))
            except (OSError, OverflowError):
                continue
            return port
