"""The age v1 file format (C2SP age specification) over the primitives of `cryptography`.

Compatibility is the promise: what is written here opens with the `age` program and the other way round.
A file is a textual header, which wraps one random file key for each recipient, and a payload sealed with
that key. Streams in, streams out, bounded memory; nothing unauthenticated is ever handed out.

There are no options to choose ciphers, because the format has none.
"""

from vault.age.errors import AgeError, ArmorError, Damaged, HeaderDamaged, HeaderError, NoIdentity
from vault.age.file import Opened, decrypt, encrypt, new_file_key, open_header, seal_header
from vault.age.header import Header, Stanza
from vault.age.hybrid import HybridIdentity, HybridRecipient
from vault.age.keyfile import (
    parse_identity,
    parse_recipient,
    read_identities,
    read_recipients,
    write_identity,
)
from vault.age.recipients import (
    Identity,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    X25519Recipient,
    generate_identity,
)
from vault.age.stream import Seekable, payload_size, plain_size

__all__ = [
    "AgeError",
    "ArmorError",
    "Damaged",
    "Header",
    "HeaderDamaged",
    "HeaderError",
    "HybridIdentity",
    "HybridRecipient",
    "Identity",
    "NoIdentity",
    "Opened",
    "Recipient",
    "ScryptIdentity",
    "ScryptRecipient",
    "Seekable",
    "Stanza",
    "X25519Identity",
    "X25519Recipient",
    "decrypt",
    "encrypt",
    "generate_identity",
    "new_file_key",
    "open_header",
    "parse_identity",
    "parse_recipient",
    "payload_size",
    "plain_size",
    "read_identities",
    "read_recipients",
    "seal_header",
    "write_identity",
]
