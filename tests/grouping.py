"""Which tests run on the same worker: a file stays together, so do all browser tests and all that need S3 or PostgreSQL.

Two Chromiums, or two servers, on a small machine make each other late, and what a file sets up once is not set up twice. Told to
xdist as its scheduler, by the names of the files: its own marks for groups are lost between xdist 3.8 and pytest 9.2. Loaded by
pyproject.toml; without xdist it changes nothing.
"""

from __future__ import annotations

from typing import Any

import pytest

TOGETHER = ("browser", "s3", "postgres")


def group(nodeid: str) -> str:
    """The group of a test: what it needs, as its file is named, else its file."""
    path = nodeid.partition("::")[0]
    return next((name for name in TOGETHER if name in path), path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole groups, the largest first."""
    from xdist.scheduler import LoadScopeScheduling  # xdist may be switched off

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return Grouped(config, log)
