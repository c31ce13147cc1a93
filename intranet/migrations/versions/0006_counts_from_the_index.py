"""counts from the index: how many items of a ledger are in which state is told without reading the items"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = "ix_item_kind_state_updated"
LIST = ["kind", "state", "updated"]
#: What the policy asks of an item besides kind and state.
SEEN = ["level", "repository_id", "unit_id", "owner_id"]


def upgrade() -> None:
    op.drop_index(NAME, "item")
    op.create_index(NAME, "item", [*LIST, *SEEN])


def downgrade() -> None:
    op.drop_index(NAME, "item")
    op.create_index(NAME, "item", LIST)
