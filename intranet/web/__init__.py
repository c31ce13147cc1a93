"""The web: thin. Parse, call a verb, render. This list is the table of contents of the site."""

from flask import Blueprint


def blueprints() -> list[Blueprint]:
    from . import (
        audit,
        complaints,
        desk,
        files,
        health,
        items,
        loans,
        office,
        ops,
        people,
        search,
        searches,
        session,
        slips,
    )

    return [
        session.bp, desk.bp, search.bp, searches.bp, items.bp, files.bp, loans.bp, slips.bp, complaints.bp, people.bp, office.bp, audit.bp, ops.bp, health.bp,
    ]  # fmt: skip
