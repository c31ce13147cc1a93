"""Entries in, permitted hits out. A pure library: no Flask, no database, no vault.

`search.engine` says what an engine is and what goes in and comes out; `search.engine_whoosh` is the engine of one
machine; `search.query` turns what a person types into a query; `search.extract` turns files into text.
"""
