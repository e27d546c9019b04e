"""Devices in their owners' hands: names, claim codes, a second login."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("name", sa.String(), server_default="", nullable=False))
    op.create_index("ix_devices_created_at", "devices", ["created_at", "id"], unique=False)
    op.add_column("mqtt_credentials", sa.Column("number", sa.Integer(), server_default="1", nullable=False))
    op.add_column("mqtt_credentials", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("device_last", sa.Column("login", sa.Integer(), nullable=True))
    op.create_table(
        "device_claims",
        sa.Column("device_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_device_claims_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_claims")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_device_claims_code_hash")),
    )
    op.create_table(
        "device_commands",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "do",
            sa.Enum(
                "locate",
                "report",
                "ring",
                "message",
                name="commandkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("every_s", sa.Integer(), nullable=True),
        sa.Column("span_s", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["users.id"], name=op.f("fk_device_commands_asked_by_id")),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_device_commands_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_commands")),
        sa.UniqueConstraint("uuid", name=op.f("uq_device_commands_uuid")),
    )
    op.create_index(
        "ix_device_commands_device", "device_commands", ["device_id", "asked_at", "id"], unique=False
    )
    op.create_table(
        "device_configs",
        sa.Column("device_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rest_s", sa.Integer(), nullable=True),
        sa.Column("move_s", sa.Integer(), nullable=True),
        sa.Column("alarm_s", sa.Integer(), nullable=True),
        sa.Column("batch", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_device_configs_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_configs")),
    )


def downgrade() -> None:
    op.drop_table("device_configs")
    op.drop_index("ix_device_commands_device", table_name="device_commands")
    op.drop_table("device_commands")
    op.drop_table("device_claims")
    op.drop_column("device_last", "login")
    op.drop_column("mqtt_credentials", "expires_at")
    op.drop_column("mqtt_credentials", "number")
    op.drop_index("ix_devices_created_at", table_name="devices")
    op.drop_column("devices", "name")
