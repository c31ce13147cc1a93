"""Catalogues: Chinese texts are the source, every other language is a folder here, complete."""
