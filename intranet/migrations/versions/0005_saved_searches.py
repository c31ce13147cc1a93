"""saved searches: what persons look for again and again, and the messages that tell them of new entries"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("alerts", sa.Boolean(), nullable=False),
        sa.Column("known", sa.LargeBinary(), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("looked", sa.DateTime(), nullable=True),
        sa.Column("generation", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_saved_search_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
    )
    with op.batch_alter_table("saved_search", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_search_person_id"), ["person_id"], unique=False)
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("search_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("count", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch_op.create_foreign_key(batch_op.f("fk_message_search_id"), "saved_search", ["search_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_message_search_id"), ["search_id"], unique=False)
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.alter_column("count", server_default=None)


def downgrade() -> None:
    message = sa.table("message", sa.column("search_id", sa.Integer))
    op.execute(message.delete().where(message.c.search_id.is_not(None)))
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_search_id"))
        batch_op.drop_constraint(batch_op.f("fk_message_search_id"), type_="foreignkey")
        batch_op.drop_column("count")
        batch_op.drop_column("search_id")
    with op.batch_alter_table("saved_search", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_search_person_id"))

    op.drop_table("saved_search")
