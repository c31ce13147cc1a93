"""``python -m vault.age``: the options of the `age` program on this library alone.

Exit status: 0 done, 1 the file or a key is at fault (nothing is left under the name of the output), 2 usage.
"""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from vault.age import armor
from vault.age.errors import AgeError
from vault.age.file import decrypt, encrypt
from vault.age.header import VERSION_LINE, Stanza
from vault.age.keyfile import parse_recipient, read_identities, read_recipients
from vault.age.recipients import Identity, Recipient, ScryptIdentity, ScryptRecipient

_BLOCK = 1 << 20
_PIECE = 128 << 10
"""Written at once: for a MiB the kernel looks for large pages, which on a virtual machine are often cold (decision 022)."""


class _Asked:
    """A passphrase that is asked for when the first file needs one."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._identity: ScryptIdentity | None = None

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """See Identity.unwrap."""
        if stanza.args[0] != "scrypt":
            return None
        if self._identity is None:
            self._identity = ScryptIdentity(getpass.getpass(self._prompt))
        return self._identity.unwrap(stanza)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.decrypt and (options.recipients or options.files or options.passphrase or options.armor):
        parser.error("-r, -R, -p and -a are for encryption")
    if (
        not options.decrypt
        and options.passphrase
        and (options.recipients or options.files or options.identities)
    ):
        parser.error("-p is the only recipient")
    try:
        with _input(options.input) as source:
            work = _decrypted if options.decrypt else _encrypted
            _write(options.output, work(options, _blocks(source)), text=options.decrypt or options.armor)
    except BrokenPipeError:
        # The reader went away: say nothing, and keep the interpreter from flushing into the void.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (AgeError, ValueError, OSError, EOFError) as error:
        print(f"age: error: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vault.age", description="Encrypt and decrypt age files.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("-e", "--encrypt", action="store_true", help="encrypt (the default)")
    mode.add_argument("-d", "--decrypt", action="store_true", help="decrypt")
    add = parser.add_argument
    add("-r", "--recipient", dest="recipients", action="append", default=[], help="encrypt for age1…")
    add("-R", "--recipients-file", dest="files", action="append", default=[], help="… for all in a file")
    add("-i", "--identity", dest="identities", action="append", default=[], help="identity file")
    add("-p", "--passphrase", action="store_true", help="encrypt with a passphrase")
    add("-a", "--armor", action="store_true", help="write ASCII armor")
    add("-o", "--output", default="-", help="write to this file, not to standard output")
    add("input", nargs="?", default="-", help="read this file, not standard input")
    return parser


def _encrypted(options: argparse.Namespace, source: Iterable[bytes]) -> Iterator[bytes]:
    recipients: list[Recipient] = [_recipient(text) for text in options.recipients]
    for file in options.files:
        recipients += read_recipients(Path(file).read_text("utf-8"))
    for file in options.identities:
        recipients += [identity.recipient for identity in _identities(file) if hasattr(identity, "recipient")]
    if options.passphrase:
        recipients.append(ScryptRecipient(_new_passphrase()))
    sealed = encrypt(source, recipients)
    return armor.encode(sealed) if options.armor else sealed


def _decrypted(options: argparse.Namespace, source: Iterable[bytes]) -> Iterator[bytes]:
    identities = [identity for file in options.identities for identity in _identities(file)]
    return decrypt(source, identities or [_Asked("Enter passphrase: ")])


def _recipient(text: str) -> Recipient:
    try:
        return parse_recipient(text)
    except ValueError as error:
        raise ValueError(f"malformed recipient {text!r}: {error}") from None


def _identities(file: str) -> list[Identity]:
    """The identities of a file, which may itself be an age file under a passphrase."""
    data = Path(file).read_bytes()
    if data.startswith(VERSION_LINE) or armor.peek([data])[0]:
        data = b"".join(decrypt([data], [_Asked(f"Enter passphrase for identity file {file!r}: ")]))
    try:
        identities = read_identities(data.decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    if not identities:
        raise ValueError(f"{file}: no identities in it")
    return identities


def _new_passphrase() -> str:
    passphrase = getpass.getpass("Enter passphrase: ")
    if not passphrase:
        raise ValueError("an empty passphrase protects nothing")
    if passphrase != getpass.getpass("Confirm passphrase: "):
        raise ValueError("the passphrases differ")
    return passphrase


@contextmanager
def _input(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
    else:
        with Path(name).open("rb", buffering=0) as file:
            yield file


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        yield block


def _write(name: str, chunks: Iterable[bytes], *, text: bool) -> None:
    """To a file only when complete: half a decrypted file must not look like a file."""
    if name == "-":
        if sys.stdout.isatty() and not text:
            raise ValueError("not writing binary to a terminal; use -a or -o")
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    target = Path(name)
    if target.exists() and not target.is_file():  # a pipe or a device cannot be replaced
        with target.open("wb") as out:
            out.writelines(chunks)
        return
    partial = target.with_name(f".{target.name}-{secrets.token_hex(8)}")
    try:
        with partial.open("xb", buffering=0) as out:
            for chunk in chunks:
                _write_all(out, chunk)
        partial.replace(target)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _write_all(out: BinaryIO, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[out.write(view[:_PIECE]) :]


if __name__ == "__main__":
    sys.exit(main())
