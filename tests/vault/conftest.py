"""What the tests of the vault share: keys, programs of others, and an S3 server when there is one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

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
        missing("the age program is not installed (apt-get install age)", fatal=os.environ.get("CI") == "true")
    assert program is not None
    return program


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 server with a bucket: INTRANET_TEST_S3, or a Ceph gateway started here."""
    wish = os.environ.get("INTRANET_TEST_S3", "")
    if wish.startswith("s3://"):
        yield _with_bucket(wish)
        return
    if not all(map(shutil.which, ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin"))) or os.geteuid() != 0:
        fatal = os.environ.get("CI") == "true" and wish == "required"
        missing("no S3 server: set INTRANET_TEST_S3, or install ceph-mon ceph-osd radosgw as root", fatal=fatal)
    folder = tmp_path_factory.mktemp("ceph")
    script = str(TOOLS / "s3_up.sh")
    try:
        # Output to a file: the daemons outlive the script and would hold a pipe open.
        with (folder / "url").open("w") as out:
            subprocess.run([script, "start", str(folder / "state"), str(_free_port())], check=True, stdout=out)
        yield _with_bucket((folder / "url").read_text().strip())
    finally:
        subprocess.run([script, "stop", str(folder / "state")], check=True)


def _with_bucket(url: str) -> str:
    parts = urlsplit(url)
    secure = "secure=0" not in parts.query
    endpoint = parts.netloc.rpartition("@")[2]
    client = Minio(endpoint, parts.username, parts.password, secure=secure, region="us-east-1")
    bucket = parts.path.strip("/")
    if not client.bucket_exists(bucket):
        client.make_bucket(bucket)
    return url


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
