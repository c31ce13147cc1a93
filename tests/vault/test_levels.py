"""The order of the levels and their names."""

from __future__ import annotations

import pytest

from vault.levels import Level, dominates


def test_levels_stand_in_the_order_of_the_law() -> None:
    assert [level.label for level in sorted(Level)] == ["公开", "内部", "秘密", "机密", "绝密"]
    assert [level.slug for level in Level] == ["public", "internal", "confidential", "secret", "topsecret"]


@pytest.mark.parametrize("level", Level)
def test_a_level_is_found_by_its_slug_and_by_its_label(level: Level) -> None:
    assert Level.parse(level.slug) is level
    assert Level.parse(level.slug.upper()) is level
    assert Level.parse(f" {level.label} ") is level


@pytest.mark.parametrize("text", ["", "top secret", "2", "秘", "绝密件"])
def test_anything_else_is_no_level(text: str) -> None:
    with pytest.raises(ValueError, match="no such level"):
        Level.parse(text)


def test_clearance_covers_its_own_level_and_everything_below() -> None:
    covered = [(c, lv) for c in Level for lv in Level if dominates(c, lv)]
    assert len(covered) == 15
    assert all(c >= lv for c, lv in covered)
