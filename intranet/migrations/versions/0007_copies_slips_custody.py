"""Copies tracked singly, and all that happens to them: slips, inspections, approvals, reading, holds, disposal lists.

Each document there is has the copies that its registration says, in its place; what was out is copy 1."""

import sqlalchemy as sa
from alembic import op

from intranet.models import guards

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disposal_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.DateTime(), nullable=False),
        sa.Column("proposed_by", sa.Integer(), nullable=False),
        sa.Column("decided", sa.DateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("said", sa.String(length=500), nullable=False),
        sa.Column("first_signed", sa.DateTime(), nullable=True),
        sa.Column("first_by", sa.Integer(), nullable=True),
        sa.Column("second_signed", sa.DateTime(), nullable=True),
        sa.Column("second_by", sa.Integer(), nullable=True),
        sa.Column("done", sa.DateTime(), nullable=True),
        sa.Column("receiver", sa.String(length=200), nullable=False),
        sa.Column("receipt", sa.String(length=200), nullable=False),
        sa.Column("received", sa.Date(), nullable=True),
        sa.Column("package", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_disposal_list_decided_by")),
        sa.ForeignKeyConstraint(["first_by"], ["person.id"], name=op.f("fk_disposal_list_first_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["person.id"], name=op.f("fk_disposal_list_proposed_by")),
        sa.ForeignKeyConstraint(["second_by"], ["person.id"], name=op.f("fk_disposal_list_second_by")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_disposal_list_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposal_list")),
        sa.UniqueConstraint("number", name=op.f("uq_disposal_list_number")),
    )
    with op.batch_alter_table("disposal_list", schema=None) as batch_op:
        batch_op.create_index("ix_disposal_list_state", ["state"], unique=False)

    op.create_table(
        "shelf_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("started", sa.DateTime(), nullable=False),
        sa.Column("closed", sa.DateTime(), nullable=True),
        sa.Column("dropped", sa.Boolean(), nullable=False),
        sa.Column("strays", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_shelf_check_by_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_shelf_check_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelf_check")),
    )
    with op.batch_alter_table("shelf_check", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shelf_check_place_id"), ["place_id"], unique=False)

    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=False),
        sa.Column("due", sa.DateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("decided", sa.DateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("said", sa.String(length=500), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_approval_asked_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_approval_decided_by")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_approval_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.create_index(
            "ix_approval_item_id_what_outcome", ["item_id", "what", "outcome"], unique=False
        )
        batch_op.create_index("ix_approval_outcome_due", ["outcome", "due"], unique=False)

    op.create_table(
        "copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("inspected", sa.Date(), nullable=False),
        sa.Column("made_from", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_copy_item_id")),
        sa.ForeignKeyConstraint(["made_from"], ["copy.id"], name=op.f("fk_copy_made_from")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_copy_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy")),
        sa.UniqueConstraint("item_id", "number", name=op.f("uq_copy_item_id_number")),
    )
    with op.batch_alter_table("copy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_copy_place_id"), ["place_id"], unique=False)
        batch_op.create_index("ix_copy_state_inspected", ["state", "inspected"], unique=False)

    op.create_table(
        "disposal_row",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_disposal_row_item_id")),
        sa.ForeignKeyConstraint(["list_id"], ["disposal_list.id"], name=op.f("fk_disposal_row_list_id")),
        sa.PrimaryKeyConstraint("list_id", "item_id", name=op.f("pk_disposal_row")),
    )
    with op.batch_alter_table("disposal_row", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_disposal_row_item_id"), ["item_id"], unique=False)
        batch_op.create_index(
            "ix_disposal_row_live",
            ["item_id"],
            unique=True,
            sqlite_where=sa.text("dropped IS NULL"),
            postgresql_where=sa.text("dropped IS NULL"),
        )

    op.create_table(
        "hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("released", sa.DateTime(), nullable=True),
        sa.Column("released_by", sa.Integer(), nullable=True),
        sa.Column("release_reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_hold_by_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_hold_item_id")),
        sa.ForeignKeyConstraint(["released_by"], ["person.id"], name=op.f("fk_hold_released_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.create_index("ix_hold_item_id", ["item_id"], unique=False)
        batch_op.create_index(
            "ix_hold_live",
            ["item_id"],
            unique=True,
            sqlite_where=sa.text("released IS NULL"),
            postgresql_where=sa.text("released IS NULL"),
        )

    op.create_table(
        "inspection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("found", sa.String(length=10), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("seen_place_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("action", sa.String(length=500), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_inspection_by_id")),
        sa.ForeignKeyConstraint(["check_id"], ["shelf_check.id"], name=op.f("fk_inspection_check_id")),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_inspection_copy_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["item.id"], name=op.f("fk_inspection_incident_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_inspection_place_id")),
        sa.ForeignKeyConstraint(["seen_place_id"], ["place.id"], name=op.f("fk_inspection_seen_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
    )
    with op.batch_alter_table("inspection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inspection_check_id"), ["check_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_inspection_copy_id"), ["copy_id"], unique=False)

    op.create_table(
        "slip",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=500), nullable=False),
        sa.Column("starts", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("decided", sa.DateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("said", sa.String(length=300), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=True),
        sa.Column("returned", sa.DateTime(), nullable=True),
        sa.Column("returned_by", sa.Integer(), nullable=True),
        sa.Column("checked", sa.DateTime(), nullable=True),
        sa.Column("checker_id", sa.Integer(), nullable=True),
        sa.Column("result", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["checker_id"], ["person.id"], name=op.f("fk_slip_checker_id")),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_slip_copy_id")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_slip_created_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_slip_decided_by")),
        sa.ForeignKeyConstraint(["holder_id"], ["person.id"], name=op.f("fk_slip_holder_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_slip_item_id")),
        sa.ForeignKeyConstraint(["returned_by"], ["person.id"], name=op.f("fk_slip_returned_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slip")),
        sa.UniqueConstraint("number", name=op.f("uq_slip_number")),
    )
    with op.batch_alter_table("slip", schema=None) as batch_op:
        batch_op.create_index(
            "ix_slip_copy_id_live",
            ["copy_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('draft', 'pending', 'moving', 'returned')"),
            postgresql_where=sa.text("state IN ('draft', 'pending', 'moving', 'returned')"),
        )
        batch_op.create_index(batch_op.f("ix_slip_holder_id"), ["holder_id"], unique=False)
        batch_op.create_index("ix_slip_item_id", ["item_id"], unique=False)
        batch_op.create_index("ix_slip_state_ends", ["state", "ends"], unique=False)

    op.create_table(
        "hop",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slip_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("giver_id", sa.Integer(), nullable=False),
        sa.Column("taker_id", sa.Integer(), nullable=False),
        sa.Column("given", sa.DateTime(), nullable=False),
        sa.Column("taken", sa.DateTime(), nullable=True),
        sa.Column("refused", sa.DateTime(), nullable=True),
        sa.Column("condition", sa.String(length=300), nullable=False),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["giver_id"], ["person.id"], name=op.f("fk_hop_giver_id")),
        sa.ForeignKeyConstraint(["slip_id"], ["slip.id"], name=op.f("fk_hop_slip_id")),
        sa.ForeignKeyConstraint(["taker_id"], ["person.id"], name=op.f("fk_hop_taker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hop")),
        sa.UniqueConstraint("slip_id", "seq", name=op.f("uq_hop_slip_id_seq")),
    )
    with op.batch_alter_table("hop", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hop_taker_id"), ["taker_id"], unique=False)

    op.create_table(
        "reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("loan_id", sa.Integer(), nullable=True),
        sa.Column("approval_id", sa.Integer(), nullable=True),
        sa.Column("opened", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("closed", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_reading_approval_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_reading_item_id")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("fk_reading_loan_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reading_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
    )
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.create_index("ix_reading_item_id_person_id", ["item_id", "person_id"], unique=False)

    op.create_table(
        "slip_scope",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slip_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("dropped", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_slip_scope_person_id")),
        sa.ForeignKeyConstraint(["slip_id"], ["slip.id"], name=op.f("fk_slip_scope_slip_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_slip_scope_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slip_scope")),
    )
    with op.batch_alter_table("slip_scope", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_slip_scope_slip_id"), ["slip_id"], unique=False)

    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.add_column(sa.Column("copy_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("download", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("asked_copy_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("asked_until", sa.Date(), nullable=True))
        for name in ("handed", "received", "ended"):
            batch_op.add_column(sa.Column(name, sa.DateTime(), nullable=True))
        for name in ("handed_by", "returned_by"):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
            batch_op.create_foreign_key(batch_op.f(f"fk_loan_{name}"), "person", [name], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_loan_asked_copy_id"), "copy", ["asked_copy_id"], ["id"])
        batch_op.create_index("ix_loan_state_until", ["state", "until"], unique=False)
        batch_op.create_index(
            "ix_loan_copy_id_out",
            ["copy_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('lent', 'returned')"),
            postgresql_where=sa.text("state IN ('lent', 'returned')"),
        )
        batch_op.create_foreign_key(batch_op.f("fk_loan_copy_id"), "copy", ["copy_id"], ["id"])

    with op.batch_alter_table("place", schema=None) as batch_op:
        batch_op.add_column(sa.Column("form", sa.String(length=10), nullable=False, server_default="cabinet"))
        batch_op.add_column(sa.Column("parent_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("own", sa.Integer(), nullable=False, server_default="1"))
        batch_op.create_index(batch_op.f("ix_place_parent_id"), ["parent_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_place_parent_id"), "place", ["parent_id"], ["id"])
    # Until now who approved also handed over, and a withdrawal stood where a decision does.
    out = "state IN ('lent', 'returned', 'checked')"
    op.execute("UPDATE loan SET asked_until = until")
    op.execute(f"UPDATE loan SET handed = decided, handed_by = decided_by WHERE {out}")  # noqa: S608
    op.execute("UPDATE loan SET ended = decided, decided = NULL WHERE state = 'withdrawn'")
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.alter_column("download", server_default=None)
        batch_op.alter_column("asked_until", existing_type=sa.Date(), nullable=False)
    op.create_table(
        "loan_extension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_id", sa.Integer(), nullable=False),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("decided", sa.DateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("said", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_loan_extension_decided_by")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("fk_loan_extension_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_extension")),
    )
    with op.batch_alter_table("loan_extension", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_extension_loan_id"), ["loan_id"], unique=False)
        batch_op.create_index(
            "ix_loan_extension_waiting",
            ["loan_id"],
            unique=True,
            sqlite_where=sa.text("outcome = ''"),
            postgresql_where=sa.text("outcome = ''"),
        )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("counts", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.alter_column("counts", server_default=None)
    with op.batch_alter_table("place", schema=None) as batch_op:
        batch_op.alter_column("form", server_default=None)
        batch_op.alter_column("own", server_default=None)
    op.execute("UPDATE place SET own = strength")
    _register_copies()
    guards.raise_all(op.execute, op.get_context().dialect.name)  # last: what comes before still fills in


# What the state of a document says of its first copy.
FIRST = {"lent": "lent", "returned": "returned", "destroyed": "destroyed", "transferred": "transferred"}


def _register_copies() -> None:
    connection = op.get_bind()
    item = sa.table(
        "item", *(sa.column(n) for n in ("id", "kind", "state", "created")), sa.column("data", sa.JSON)
    )
    copy = sa.table(
        "copy",
        *(
            sa.column(n)
            for n in ("id", "item_id", "number", "state", "since", "place_id", "inspected", "reason")
        ),
    )
    loan = sa.table("loan", *(sa.column(n) for n in ("item_id", "state", "copy_id")))
    place = sa.table("place", sa.column("id"))
    outbox = sa.table(
        "outbox",
        sa.column("topic"),
        sa.column("item_id"),
        sa.column("payload", sa.JSON),
        *(sa.column(n, sa.DateTime) for n in ("created", "ready")),
        sa.column("tries"),
        sa.column("error"),
    )
    somewhere = connection.execute(sa.select(sa.func.min(place.c.id))).scalar()
    documents = sa.select(
        item.c.id, item.c.state, sa.type_coerce(item.c.created, sa.DateTime).label("created"), item.c.data
    )
    for row in connection.execute(documents.where(item.c.kind == "document")).all():
        count, state = int(row.data.get("copies") or 1), FIRST.get(row.state, "held")
        others = state if state in ("destroyed", "transferred") else "held"
        connection.execute(
            copy.insert(),
            [
                {
                    "item_id": row.id,
                    "number": n,
                    "state": state if n == 1 else others,
                    "since": row.created,
                    "reason": "",
                    "place_id": row.data.get("place") or somewhere,
                    "inspected": row.created.date(),
                }
                for n in range(1, count + 1)
            ],
        )
        if row.state in ("lent", "returned"):
            first = sa.select(copy.c.id).where(copy.c.item_id == row.id, copy.c.number == 1).scalar_subquery()
            out = loan.update().where(loan.c.item_id == row.id, loan.c.state.in_(("lent", "returned")))
            connection.execute(out.values(copy_id=first))
        # The others are in: so is the document. What waited for disposal waits no longer: that is said on a list now, with an approver
        # and signers, and is to be proposed anew.
        if row.state == "disposal" or (count > 1 and row.state in ("lent", "returned")):
            connection.execute(item.update().where(item.c.id == row.id).values(state="held"))
            connection.execute(
                outbox.insert().values(
                    topic="index",
                    item_id=row.id,
                    payload={},
                    created=row.created,
                    ready=row.created,
                    tries=0,
                    error="",
                )
            )


def downgrade() -> None:
    guards.lower_all(op.execute, op.get_context().dialect.name)
    op.execute(
        "UPDATE loan SET state = 'applied', decided = NULL, decided_by = NULL WHERE state = 'approved'"
    )
    op.execute("UPDATE loan SET state = 'withdrawn' WHERE state = 'expired'")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("counts")
    op.drop_table("loan_extension")
    op.execute("UPDATE item SET state = 'held' WHERE kind = 'document' AND state = 'missing'")
    with op.batch_alter_table("slip_scope", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_slip_scope_slip_id"))

    op.drop_table("slip_scope")
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.drop_index("ix_reading_item_id_person_id")

    op.drop_table("reading")
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_loan_copy_id"), type_="foreignkey")
        batch_op.drop_index(
            "ix_loan_copy_id_out",
            sqlite_where=sa.text("state IN ('lent', 'returned')"),
            postgresql_where=sa.text("state IN ('lent', 'returned')"),
        )
        batch_op.drop_index("ix_loan_state_until")
        for name in ("handed_by", "returned_by", "asked_copy_id"):
            batch_op.drop_constraint(batch_op.f(f"fk_loan_{name}"), type_="foreignkey")
        for name in (
            "asked_copy_id",
            "asked_until",
            "handed",
            "handed_by",
            "received",
            "returned_by",
            "ended",
        ):
            batch_op.drop_column(name)
        batch_op.drop_column("download")
        batch_op.drop_column("copy_id")

    with op.batch_alter_table("hop", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hop_taker_id"))

    op.drop_table("hop")
    with op.batch_alter_table("slip", schema=None) as batch_op:
        batch_op.drop_index("ix_slip_state_ends")
        batch_op.drop_index("ix_slip_item_id")
        batch_op.drop_index(batch_op.f("ix_slip_holder_id"))
        batch_op.drop_index(
            "ix_slip_copy_id_live",
            sqlite_where=sa.text("state IN ('draft', 'pending', 'moving', 'returned')"),
            postgresql_where=sa.text("state IN ('draft', 'pending', 'moving', 'returned')"),
        )

    op.drop_table("slip")
    with op.batch_alter_table("inspection", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inspection_copy_id"))
        batch_op.drop_index(batch_op.f("ix_inspection_check_id"))

    op.drop_table("inspection")
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_hold_live",
            sqlite_where=sa.text("released IS NULL"),
            postgresql_where=sa.text("released IS NULL"),
        )
        batch_op.drop_index("ix_hold_item_id")

    op.drop_table("hold")
    with op.batch_alter_table("disposal_row", schema=None) as batch_op:
        batch_op.drop_index("ix_disposal_row_live")
        batch_op.drop_index(batch_op.f("ix_disposal_row_item_id"))

    op.drop_table("disposal_row")
    with op.batch_alter_table("copy", schema=None) as batch_op:
        batch_op.drop_index("ix_copy_state_inspected")
        batch_op.drop_index(batch_op.f("ix_copy_place_id"))

    op.drop_table("copy")
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.drop_index("ix_approval_outcome_due")
        batch_op.drop_index("ix_approval_item_id_what_outcome")

    op.drop_table("approval")
    with op.batch_alter_table("shelf_check", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shelf_check_place_id"))

    op.drop_table("shelf_check")
    with op.batch_alter_table("disposal_list", schema=None) as batch_op:
        batch_op.drop_index("ix_disposal_list_state")

    op.drop_table("disposal_list")
    with op.batch_alter_table("place", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_place_parent_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_place_parent_id"))
        batch_op.drop_column("own")
        batch_op.drop_column("parent_id")
        batch_op.drop_column("form")
