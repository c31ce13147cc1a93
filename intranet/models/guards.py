"""What the database itself refuses, whoever asks: rows of custody deleted, the audit log rewritten, a loan's past changed.

Below the application, so that neither a mistake in a verb nor somebody at the SQL prompt does it unnoticed (seeds L51; FEATURES
row 72 "rows are only added"). Whoever owns the database can take a guard away: the chain of the log (`vault.chain`) shows that.
A migration that makes one of these tables anew (SQLite alters by copying) must call `raise_all` again; a test looks for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

Execute = Callable[[str], object]

#: No row of these is ever deleted.
KEPT = ("audit", "loan", "loan_extension", "hop", "inspection")
#: As it was when the row was written.
FIXED = {
    "loan": ("id", "item_id", "borrower_id", "asked_copy_id", "purpose", "asked_until", "applied"),
    "loan_extension": ("id", "loan_id", "asked", "until", "why"),
}
#: Written once, by the step that it tells of.
ONCE = {
    "loan": (
        *("copy_id", "decided", "decided_by", "handed", "handed_by", "received", "returned", "returned_by"),
        *("checked", "checked_by", "ended"),
    ),
    "loan_extension": ("decided", "decided_by"),
}
#: The life of a loan, as the database knows it.
STEPS = (
    ("applied", "approved"), ("applied", "refused"), ("applied", "withdrawn"), ("applied", "expired"), ("approved", "lent"),
    ("approved", "withdrawn"), ("approved", "expired"), ("lent", "returned"), ("returned", "checked"),
)  # fmt: skip


def _changed(column: str) -> str:
    return f"OLD.{column} IS DISTINCT FROM NEW.{column}"


def _past(table: str) -> list[str]:
    """What makes an update one that rewrites the past."""
    found = [_changed(c) for c in FIXED[table]]
    return found + [f"(OLD.{c} IS NOT NULL AND {_changed(c)})" for c in ONCE[table]]


def _steps() -> str:
    ways = ", ".join(f"'{a}>{b}'" for a, b in STEPS)
    return f"(OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({ways}))"


def _guards() -> Iterator[tuple[str, str, str, str]]:
    """(name, table, event, when: "" for always)."""
    for table in KEPT:
        yield f"keep_{table}", table, "DELETE", ""
    yield "keep_audit_rows", "audit", "UPDATE", ""
    later = "(OLD.state <> 'lent' AND OLD.until <> NEW.until)"
    handed = "(OLD.handed IS NOT NULL AND OLD.download <> NEW.download)"
    written = [f"(OLD.{c} <> '' AND OLD.{c} <> NEW.{c})" for c in ("refusal", "condition")]
    loan = [*_past("loan"), _steps(), later, handed, *written]
    yield "keep_loan_past", "loan", "UPDATE", " OR ".join(loan)
    outcome = "(OLD.outcome <> '' AND OLD.outcome <> NEW.outcome)"
    yield "keep_extension_past", "loan_extension", "UPDATE", " OR ".join([*_past("loan_extension"), outcome])


GUARDS = tuple(_guards())


def raise_all(execute: Execute, dialect: str) -> None:
    """Put every guard up. What is refused is an integrity error on both databases."""
    if dialect == "postgresql":
        execute(
            "CREATE OR REPLACE FUNCTION keep_rows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
            "'rows of % are kept', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    for statement in _up(dialect):
        execute(statement)


def _up(dialect: str) -> Iterable[str]:
    for name, table, event, when in GUARDS:
        condition = f" WHEN ({when})" if when else ""
        if dialect == "postgresql":
            yield f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{condition} EXECUTE FUNCTION keep_rows()"
        else:
            yield (
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{condition} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are kept'); END"
            )
    if dialect == "postgresql":
        for table in KEPT:
            yield f"CREATE TRIGGER keep_{table}_whole BEFORE TRUNCATE ON {table} EXECUTE FUNCTION keep_rows()"


def lower_all(execute: Execute, dialect: str) -> None:
    """Take every guard down: before a downgrade, and in tests that play whoever owns the database."""
    for name, table, _event, _when in GUARDS:
        execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if dialect == "postgresql" else ""))
    if dialect == "postgresql":
        for table in KEPT:
            execute(f"DROP TRIGGER IF EXISTS keep_{table}_whole ON {table}")
        execute("DROP FUNCTION IF EXISTS keep_rows()")
