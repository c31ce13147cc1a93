"""Sealed objects that outlive the product: bytes in, sealed bytes out.

A pure library: no web framework, no ORM, no settings, no environment. Whoever audits it reads this folder
and nothing else. The public face is `vault.vault.Vault`; the file format is the age v1 format of `vault.age`,
so that everything kept here opens with the standard `age` program and the identity of its level.
"""
