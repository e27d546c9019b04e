"""Helpers and their calls, guardians, duties and policies, messages to people, the chain's own health."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "canary_calls",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("telemetry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canary_calls")),
    )
    op.create_index(op.f("ix_canary_calls_sent_at"), "canary_calls", ["sent_at"], unique=False)
    op.create_table(
        "system_alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_system_alerts")),
        sa.UniqueConstraint("uuid", name=op.f("uq_system_alerts_uuid")),
    )
    op.create_index(
        "uq_system_alerts_open",
        "system_alerts",
        ["region", "what"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("wearer_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("rank", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(phone, email) >= 1", name=op.f("ck_contacts_can_be_reached")),
        sa.ForeignKeyConstraint(
            ["wearer_id"], ["users.id"], name=op.f("fk_contacts_wearer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint("uuid", name=op.f("uq_contacts_uuid")),
    )
    op.create_index(op.f("ix_contacts_wearer_id"), "contacts", ["wearer_id"], unique=False)
    op.create_table(
        "duties",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "dispatcher",
                "supervisor",
                name="dutykind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("from_minute", sa.SmallInteger(), nullable=False),
        sa.Column("to_minute", sa.SmallInteger(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "from_minute BETWEEN 0 AND 1439 AND to_minute BETWEEN 0 AND 1440", name=op.f("ck_duties_is_a_day")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_duties_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
        sa.UniqueConstraint("uuid", name=op.f("uq_duties_uuid")),
    )
    op.create_index(op.f("ix_duties_user_id"), "duties", ["user_id"], unique=False)
    op.create_table(
        "helpers",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("radius_m", sa.Integer(), server_default="3000", nullable=False),
        sa.Column("available", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.String()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_helpers_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_helpers")),
    )
    op.create_table(
        "pins",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pin_hash", sa.String(), nullable=False),
        sa.Column("duress_hash", sa.String(), nullable=True),
        sa.Column("wrong", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("wrong_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrong_hash", sa.String(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pins_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_pins")),
    )
    op.create_table(
        "policies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("types", postgresql.ARRAY(sa.String()), nullable=True),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("repeat_s", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["changed_by_id"], ["users.id"], name=op.f("fk_policies_changed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.UniqueConstraint("name", name=op.f("uq_policies_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_policies_uuid")),
    )
    op.create_table(
        "push_tokens",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dropped_why", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["login_sessions.id"],
            name=op.f("fk_push_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_push_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_push_tokens")),
    )
    op.create_index(op.f("ix_push_tokens_session_id"), "push_tokens", ["session_id"], unique=False)
    op.create_index(op.f("ix_push_tokens_user_id"), "push_tokens", ["user_id"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("sealed_secret", sa.String(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_why", sa.String(), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name=op.f("fk_webhooks_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("uuid", name=op.f("uq_webhooks_uuid")),
    )
    op.create_table(
        "helper_calls",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("helper_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "alerted",
                "delivered",
                "accepted",
                "en_route",
                "on_scene",
                "done",
                "declined",
                "expired",
                "withdrawn",
                name="callstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("wave", sa.SmallInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_via", sa.String(), nullable=True),
        sa.Column("en_route_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_scene_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("distance_m", sa.REAL(), nullable=True),
        sa.Column("eta_s", sa.Integer(), nullable=True),
        sa.Column("nearest_m", sa.REAL(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nudged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("chance", sa.REAL(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sms_code", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["helper_id"], ["users.id"], name=op.f("fk_helper_calls_helper_id")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_helper_calls_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_helper_calls")),
        sa.UniqueConstraint("uuid", name=op.f("uq_helper_calls_uuid")),
    )
    op.create_index("ix_helper_calls_helper", "helper_calls", ["helper_id", "asked_at"], unique=False)
    op.create_index("ix_helper_calls_incident", "helper_calls", ["incident_id", "id"], unique=False)
    op.create_index(
        "ix_helper_calls_open",
        "helper_calls",
        ["helper_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_helper_calls_open",
        "helper_calls",
        ["incident_id", "helper_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "live_links",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_live_links_contact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_live_links_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_live_links")),
    )
    op.create_index("ix_live_links_incident", "live_links", ["incident_id"], unique=False)
    op.create_table(
        "merge_proposals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("distance_m", sa.REAL(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.BigInteger(), nullable=True),
        sa.Column("merged", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_merge_proposals_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["incidents.id"], name=op.f("fk_merge_proposals_other_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["users.id"], name=op.f("fk_merge_proposals_settled_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_proposals")),
        sa.UniqueConstraint("incident_id", "other_id", name=op.f("uq_merge_proposals_incident_id_other_id")),
    )
    op.create_index(op.f("ix_merge_proposals_other_id"), "merge_proposals", ["other_id"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("tried", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_via", sa.String(), nullable=True),
        sa.CheckConstraint("num_nonnulls(user_id, contact_id) = 1", name=op.f("ck_messages_is_for_one")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_messages_contact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_messages_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_messages_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("contact_id", "key", name=op.f("uq_messages_contact_id_key")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_messages_user_id_key")),
        sa.UniqueConstraint("uuid", name=op.f("uq_messages_uuid")),
    )
    op.create_index("ix_messages_incident", "messages", ["incident_id", "id"], unique=False)
    op.add_column(
        "incidents", sa.Column("policy_name", sa.String(), server_default="default", nullable=False)
    )
    op.add_column("incidents", sa.Column("repeat_s", sa.Integer(), server_default="60", nullable=False))
    op.add_column(
        "incidents", sa.Column("canary", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "devices", sa.Column("canary", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_index("ix_deliveries_at", "deliveries", ["at"], unique=False)
    op.add_column("incidents", sa.Column("merged_into_id", sa.Uuid(), nullable=True))
    op.add_column("incidents", sa.Column("shown", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index(
        "ix_incidents_merged_into_id",
        "incidents",
        ["merged_into_id"],
        unique=False,
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("fk_incidents_merged_into_id"), "incidents", "incidents", ["merged_into_id"], ["id"]
    )
    op.alter_column("device_commands", "asked_by_id", existing_type=sa.BigInteger(), nullable=True)
    _allow_sources("press", "last_known", "track")
    op.add_column("last_places", sa.Column("accuracy_m", sa.REAL(), nullable=True))


def _allow_sources(*words: str) -> None:
    op.drop_constraint(op.f("ck_incidents_positionsource"), "incidents", type_="check")
    allowed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(
        op.f("ck_incidents_positionsource"), "incidents", f"position_source IN ({allowed})"
    )


def downgrade() -> None:
    op.execute("DELETE FROM device_commands WHERE asked_by_id IS NULL")
    op.alter_column("device_commands", "asked_by_id", existing_type=sa.BigInteger(), nullable=False)
    op.execute("UPDATE incidents SET position_source = 'press' WHERE position_source = 'track'")
    _allow_sources("press", "last_known")
    op.drop_column("last_places", "accuracy_m")
    op.drop_constraint(op.f("fk_incidents_merged_into_id"), "incidents", type_="foreignkey")
    op.drop_index(
        "ix_incidents_merged_into_id",
        table_name="incidents",
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.drop_column("incidents", "shown")
    op.drop_column("incidents", "merged_into_id")
    op.drop_column("incidents", "canary")
    op.drop_column("devices", "canary")
    op.drop_index("ix_deliveries_at", table_name="deliveries")
    op.drop_column("incidents", "repeat_s")
    op.drop_column("incidents", "policy_name")
    op.drop_index("ix_messages_incident", table_name="messages")
    op.drop_table("messages")
    op.drop_index(op.f("ix_merge_proposals_other_id"), table_name="merge_proposals")
    op.drop_table("merge_proposals")
    op.drop_index("ix_live_links_incident", table_name="live_links")
    op.drop_table("live_links")
    op.drop_index(
        "uq_helper_calls_open", table_name="helper_calls", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index(
        "ix_helper_calls_open", table_name="helper_calls", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index("ix_helper_calls_incident", table_name="helper_calls")
    op.drop_index("ix_helper_calls_helper", table_name="helper_calls")
    op.drop_table("helper_calls")
    op.drop_table("webhooks")
    op.drop_index(op.f("ix_push_tokens_user_id"), table_name="push_tokens")
    op.drop_index(op.f("ix_push_tokens_session_id"), table_name="push_tokens")
    op.drop_table("push_tokens")
    op.drop_table("policies")
    op.drop_table("pins")
    op.drop_table("helpers")
    op.drop_index(op.f("ix_duties_user_id"), table_name="duties")
    op.drop_table("duties")
    op.drop_index(op.f("ix_contacts_wearer_id"), table_name="contacts")
    op.drop_table("contacts")
    op.drop_index(
        "uq_system_alerts_open", table_name="system_alerts", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_table("system_alerts")
    op.drop_index(op.f("ix_canary_calls_sent_at"), table_name="canary_calls")
    op.drop_table("canary_calls")
