"""The vault's speed beside the `age` program, and what durability costs: both sides of each ratio in the same run.

1 GiB file to file both ways, in random order, the middle of the rounds; each opens what the other sealed. Before each run as
many bytes are written and removed, so that all find the kernel's pages warm. Then 16 KiB objects deposited to a store in a
folder without and with `fsync`. A ratio below its limit fails the benchmark; absolute figures depend on the machine and are
printed with their limit beside.
"""

from __future__ import annotations

import filecmp
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from intranet import settings
from vault import age
from vault.keyring import Keyring
from vault.levels import Level
from vault.store_fs import FileStore
from vault.vault import Vault

SIZE = 1 << 30
ROUNDS = 7
ENCRYPT, DECRYPT = 0.9, 1.2  # times the speed of the `age` program
OBJECT, OBJECTS, PER_SECOND = 16 << 10, 500, 1000
OURS = [sys.executable, "-m", "vault.age"]


def main() -> int:
    """Print the tables; 1 when a ratio misses its limit."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=settings.ROOT) as folder:
        failed = _files(Path(folder))
        _deposits(Path(folder))
    return 1 if failed else 0


def _files(folder: Path) -> list[str]:
    theirs = shutil.which("age")
    if theirs is None:
        raise SystemExit("the age program is not installed")
    plain, sealed, opened = folder / "plain", folder / "sealed", folder / "opened"
    with plain.open("wb") as out:
        for _ in range(SIZE >> 20):
            out.write(os.urandom(1 << 20))
    identity = age.generate_identity()
    keys = folder / "key"
    keys.write_text(age.write_identity(identity), "utf-8")
    keys.chmod(0o600)
    tools = {"age": [theirs], "vault.age": OURS}
    ways = {
        "encrypt": ["-r", str(identity.recipient), "-o", str(sealed), str(plain)],
        "decrypt": ["-d", "-i", str(keys), "-o", str(opened), str(sealed)],
    }
    spent: dict[tuple[str, str], list[float]] = {(way, tool): [] for way in ways for tool in tools}
    chance = random.Random(1)
    for _ in range(ROUNDS):
        for way, options in ways.items():
            for tool in chance.sample(list(tools), len(tools)):
                target = sealed if way == "encrypt" else opened
                shutil.copyfile(plain, target)
                target.unlink()
                start = time.perf_counter()
                subprocess.run([*tools[tool], *options], cwd=settings.ROOT, check=True)
                spent[way, tool].append(time.perf_counter() - start)
    failed = _crossed(tools, ways, plain, sealed, opened)
    print(f"   {'1 GiB, file to file':<24}{'age':>10}{'vault.age':>12}{'ratio':>9}{'limit':>9}")
    for way, limit in (("encrypt", ENCRYPT), ("decrypt", DECRYPT)):
        one, other = (statistics.median(spent[way, tool]) for tool in tools)
        print(
            f"   {way + ', MB/s':<24}{SIZE / one / 1e6:>10.0f}{SIZE / other / 1e6:>12.0f}{one / other:>8.2f}x{limit:>8.1f}x"
        )
        if one / other < limit:
            failed.append(way)
    for file in (plain, sealed, opened):
        file.unlink()
    return failed


def _crossed(
    tools: dict[str, list[str]], ways: dict[str, list[str]], plain: Path, sealed: Path, opened: Path
) -> list[str]:
    """Each opens what the other sealed, to the byte; names of what failed."""
    failed = []
    for one, other in (("age", "vault.age"), ("vault.age", "age")):
        for tool, way in ((one, "encrypt"), (other, "decrypt")):
            subprocess.run([*tools[tool], *ways[way]], cwd=settings.ROOT, check=True)
        if not filecmp.cmp(plain, opened, shallow=False):
            failed.append(f"{other} of {one}")
    return failed


def _deposits(folder: Path) -> None:
    """Whole deposits (header bound and sealed, payload sealed, digested and stored), one after another, no database."""
    data = os.urandom(OBJECT)
    keyring = Keyring.create(folder / "keys")
    rates = {}
    for fsync in (False, True):
        vault = Vault(FileStore(folder / f"store-{fsync}", fsync=fsync), keyring)
        start = time.perf_counter()
        for number in range(OBJECTS):
            vault.deposit(f"{number:032x}", [data], Level.SECRET, b"bench")
        rates[fsync] = OBJECTS / (time.perf_counter() - start)
    print(f"   {'16 KiB objects, per second':<30}{'no fsync':>10}{'fsync':>9}{'price':>9}{'limit':>13}")
    print(
        f"   {'':<30}{rates[False]:>10.0f}{rates[True]:>9.0f}{rates[False] / rates[True]:>8.1f}x{f'{PER_SECOND} no fsync':>13}"
    )
