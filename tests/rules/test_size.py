"""A file has one responsibility; one that grows far past 300 lines has two."""

from __future__ import annotations

import pytest

from tests.rules.tree import Module, modules

LIMIT = 320
# Files that are long for a reason, with it.
LONG = {
    "intranet/policy.py": "who may do what is read on one page, from top to bottom",
    "intranet/migrations/versions/": "a migration is one step, however many tables it makes",
    "intranet/demo/": "the demo office is content, not code",
}


def long(module: Module) -> bool:
    return module.text.count("\n") > LIMIT and not module.path.startswith(tuple(LONG))


def test_no_module_outgrows_its_responsibility() -> None:
    assert [f"{m.path}: {m.text.count(chr(10))} lines" for m in modules() if long(m)] == []


@pytest.mark.parametrize(("lines", "verdict"), [(LIMIT, False), (LIMIT + 1, True)])
def test_the_limit(lines: int, verdict: bool) -> None:
    assert long(Module("vault/x.py", "\n" * lines, modules()[0].tree)) is verdict
