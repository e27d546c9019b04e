"""Devices change hands, commands expire, answers are kept for who asks again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("owned_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "device_commands",
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now() + interval '5 minutes'"),
            nullable=False,
        ),
    )
    op.execute("UPDATE device_commands SET expires_at = asked_at + interval '5 minutes'")
    op.create_table(
        "kept_answers",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_kept_answers_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index("ix_kept_answers_at", "kept_answers", ["at"], unique=False)
    # What a device shows of its calls is from now on asked for by the device, not by one call of it.
    op.execute(
        """
        UPDATE notifications SET subject = device.uuid
        FROM incidents incident JOIN devices device ON device.id = incident.device_id
        WHERE notifications.kind = 'state' AND notifications.status = 'waiting'
          AND notifications.subject = incident.id
        """
    )


def downgrade() -> None:
    op.drop_index("ix_kept_answers_at", table_name="kept_answers")
    op.drop_table("kept_answers")
    op.drop_column("device_commands", "expires_at")
    op.drop_column("devices", "owned_since")
