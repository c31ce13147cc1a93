"""Benchmarks: each file with a main() prints figures against a limit or a peer in the same run."""
