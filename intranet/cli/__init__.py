"""Commands: `flask --app wsgi …` (INTERFACES "Commands"). One file a subject; this list is the table of contents."""

from flask import Flask


def bind(app: Flask) -> None:
    """Register every command on the application."""
    from . import audit, backup, catalogue, doctor, importing, keys, office, people, worker

    for module in (office, people, catalogue, importing, keys, audit, backup, worker, doctor):
        module.bind(app)
