"""Which tests run on the same worker: a file stays together, so do all browser tests and all that need S3.

Two Chromiums, or two S3 servers, on a small machine make each other late. Loaded by pyproject.toml; needs
`--dist loadgroup`, without which it changes nothing.
"""

from __future__ import annotations

import pytest

TOGETHER = ("browser", "s3", "postgres")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test the group of its marker, or of its file, before xdist reads it."""
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        marked = next((name for name in TOGETHER if item.get_closest_marker(name)), None)
        item.add_marker(pytest.mark.xdist_group(marked or item.location[0]))
