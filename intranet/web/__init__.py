"""The web: thin. Parse, call a verb, render. This list is the table of contents of the site."""

from flask import Blueprint


def blueprints() -> list[Blueprint]:
    from . import (
        approvals,
        audit,
        complaints,
        desk,
        disposals,
        disposals_paper,
        files,
        heads,
        health,
        holders,
        holds,
        inspections,
        items,
        labels,
        loans,
        office,
        openings,
        ops,
        package,
        people,
        places,
        room,
        search,
        searches,
        session,
        shelf,
        slips,
    )

    return [
        session.bp, desk.bp, search.bp, searches.bp, items.bp, files.bp, room.bp, openings.bp, holders.bp, loans.bp, slips.bp, places.bp, shelf.bp, inspections.bp, labels.bp, approvals.bp, disposals.bp, disposals_paper.bp, package.bp, holds.bp, complaints.bp, people.bp, office.bp, audit.bp, heads.bp, ops.bp, health.bp,
    ]  # fmt: skip
