"""headers apart: each age header moves to a table that dumps can leave out"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BLOB = sa.table("blob", sa.column("id", sa.Integer), sa.column("header", sa.LargeBinary))
HEADER = sa.table(
    "blob_header",
    sa.column("blob_id", sa.Integer),
    sa.column("key_id", sa.String),
    sa.column("header", sa.LargeBinary),
)


def upgrade() -> None:
    op.create_table(
        "blob_header",
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_blob_header_blob_id")),
        sa.PrimaryKeyConstraint("blob_id", name=op.f("pk_blob_header")),
    )
    with op.batch_alter_table("blob_header", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blob_header_key_id"), ["key_id"], unique=False)
    # An unknown key id is none of today's: the next rotation, or the nightly check, writes the true one.
    kept = sa.select(BLOB.c.id, sa.literal(""), BLOB.c.header).where(sa.func.length(BLOB.c.header) > 0)
    op.execute(HEADER.insert().from_select(["blob_id", "key_id", "header"], kept))
    with op.batch_alter_table("blob", schema=None) as batch_op:
        batch_op.drop_column("header")


def downgrade() -> None:
    with op.batch_alter_table("blob", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("header", sa.LargeBinary(), nullable=False, server_default=sa.text("''"))
        )
    mine = sa.select(HEADER.c.header).where(HEADER.c.blob_id == BLOB.c.id).scalar_subquery()
    found = sa.exists(sa.select(HEADER.c.blob_id).where(HEADER.c.blob_id == BLOB.c.id))
    op.execute(BLOB.update().values(header=mine).where(found))
    with op.batch_alter_table("blob", schema=None) as batch_op:
        batch_op.alter_column("header", server_default=None)
    op.drop_table("blob_header")
