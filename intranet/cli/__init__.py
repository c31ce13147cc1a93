"""Commands: `flask --app wsgi …` (INTERFACES "Commands"). One file a subject; this list is the table of contents."""

from flask import Flask


def bind(app: Flask) -> None:
    """Register every command on the application."""
    from . import audit, backup, catalogue, doctor, importing, office, people, vault, worker

    for module in (office, people, catalogue, importing, vault, audit, backup, worker, doctor):
        module.bind(app)
