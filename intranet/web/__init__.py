"""The web: thin. Parse, call a verb, render. This list is the table of contents of the site."""

from flask import Blueprint


def blueprints() -> list[Blueprint]:
    from . import (
        audit,
        complaints,
        desk,
        disposals,
        disposals_paper,
        files,
        health,
        holds,
        items,
        loans,
        office,
        ops,
        package,
        people,
        search,
        searches,
        session,
    )

    return [
        session.bp, desk.bp, search.bp, searches.bp, items.bp, files.bp, loans.bp, complaints.bp, people.bp, office.bp, audit.bp, ops.bp, health.bp,
        disposals.bp, disposals_paper.bp, package.bp, holds.bp,
    ]  # fmt: skip
