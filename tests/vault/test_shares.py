"""Keys on k of n sheets: any k join, fewer never, and a slip of the pen is named, not joined."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import Share, combine_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from vault import shares
from vault.age import HybridIdentity, X25519Identity, bech32, encrypt, generate_identity

KINDS = st.sampled_from((X25519Identity, HybridIdentity))
KEY = X25519Identity.generate()
SHEETS = shares.split(KEY, 3, 5)


@settings(max_examples=12, deadline=None)
@given(data=st.data(), kind=KINDS)
def test_any_k_of_n_join_to_the_same_key_and_one_fewer_does_not(
    data: st.DataObject, kind: type[X25519Identity] | type[HybridIdentity]
) -> None:
    n = data.draw(st.integers(2, shares.MOST))
    k = data.draw(st.integers(2, n))
    key = kind.generate()
    lines = data.draw(st.permutations(shares.split(key, k, n)))
    assert all(len(line.split()) == shares.WORDS for line in lines)
    assert shares.threshold(lines[:1]) == k
    joined = shares.join(lines[:k], [key.recipient])
    assert joined.secret() == key.secret()
    with pytest.raises(shares.TooFewSheets):
        shares.join(lines[: k - 1], [key.recipient])
    with pytest.raises(shares.TooFewSheets):
        shares.join([*lines[: k - 1], lines[0]], [key.recipient])


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 3), (4, 3), (2, 17)])
def test_a_set_that_protects_nothing_is_not_made(k: int, n: int) -> None:
    with pytest.raises(shares.SharesError):
        shares.split(KEY, k, n)


@pytest.mark.parametrize("place", range(shares.WORDS))
def test_one_other_word_anywhere_is_found_and_not_quoted(place: int) -> None:
    words = SHEETS[1].split()
    words[place] = next(word for word in WORDLIST if word != words[place])
    with pytest.raises(shares.Mistyped) as found:
        shares.join([SHEETS[0], " ".join(words), SHEETS[2]], [KEY.recipient])
    assert "sheet 2" in str(found.value)
    assert not set(words) & set(str(found.value).replace(":", "").split()) - {"fit", "word"}


def test_a_word_outside_the_list_is_named_by_its_place() -> None:
    words = SHEETS[0].split()
    words[6] = "zzzz"
    with pytest.raises(shares.NotAShare, match=r"sheet 1: .*: 7$"):
        shares.join([" ".join(words)], [KEY.recipient])
    with pytest.raises(shares.NotAShare, match="32 words"):
        shares.join([" ".join(words[:-1])], [KEY.recipient])


def test_capitals_and_spaces_do_not_matter() -> None:
    lines = [f"  {line.upper().replace(' ', '  ')} \n" for line in SHEETS[:3]]
    assert shares.join(lines, [KEY.recipient]).secret() == KEY.secret()


def test_sheets_of_two_splits_of_the_same_key_do_not_mix() -> None:
    other = shares.split(KEY, 3, 5)
    with pytest.raises(shares.MixedSets, match="sheet 3"):
        shares.join([SHEETS[0], SHEETS[1], other[2]], [KEY.recipient])


def test_sheets_of_another_key_are_refused() -> None:
    with pytest.raises(shares.WrongIdentity):
        shares.join(SHEETS[:3], [generate_identity().recipient])


def test_a_forged_sheet_beyond_the_threshold_is_refused() -> None:
    lines = shares.split(KEY, 2, 6)
    for place in range(6):
        sheet = Share.from_mnemonic(lines[place])
        forged = replace(sheet, value=bytes([sheet.value[0] ^ 1]) + sheet.value[1:]).mnemonic()
        with pytest.raises(shares.WrongIdentity):
            shares.join([*lines[:place], forged, *lines[place + 1 :]], [KEY.recipient])


@pytest.mark.parametrize("kind", [X25519Identity, HybridIdentity])
def test_a_rehearsal_opens_with_k_and_with_no_smaller_subset(
    kind: type[X25519Identity] | type[HybridIdentity],
) -> None:
    key = kind.generate()
    for k in (2, 3):
        done = shares.rehearse(shares.split(key, k, 4), [key.recipient])
        assert (done.threshold, done.sheets, done.refused) == (k, 4, {2: 4, 3: 6}[k])


def test_the_reference_package_and_debians_age_are_enough(tmp_path: Path) -> None:
    if shutil.which("age") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("age is missing: apt-get install age")
        pytest.skip("age is missing: apt-get install age")
    secret = combine_mnemonics(SHEETS[2:5])
    card = tmp_path / "card.key"
    card.write_text(bech32.encode("AGE-SECRET-KEY-", secret) + "\n")
    sealed = b"".join(encrypt([b"body"], [KEY.recipient]))
    opened = subprocess.run(["age", "-d", "-i", str(card)], input=sealed, capture_output=True, check=True)
    assert opened.stdout == b"body"
