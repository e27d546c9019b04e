"""Orders, offers and prices; drivers work in shifts and come with vehicles that can be told apart."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


_SAID = (
    "lower(address || ' ' || dropoff_address || ' ' || notes || ' ' || contact_name || ' '"
    " || coalesce(contact_phone, '') || ' ' || translate(coalesce(vehicle ->> 'plate', ''), ' -', ''))"
)


def upgrade() -> None:
    # A trusted extension: whoever owns the database may have it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "vehicle_types",
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("services", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("base_price", sa.BigInteger(), nullable=False),
        sa.Column("weight_kg", sa.Integer(), nullable=True),
        sa.Column("seats", sa.SmallInteger(), nullable=True),
        sa.Column("rank", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_vehicle_types")),
    )
    op.create_table(
        "passengers",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("category", sa.String(), server_default="", nullable=False),
        sa.Column("needs", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("companion", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_passengers_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_passengers")),
    )
    op.create_table(
        "tariffs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "service",
            sa.Enum(
                "tow", "repair", "ride", name="service", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("included_m", sa.Integer(), nullable=False),
        sa.Column("per_km", sa.BigInteger(), nullable=False),
        sa.Column("night_pct", sa.SmallInteger(), nullable=False),
        sa.Column("night_from", sa.Time(), nullable=False),
        sa.Column("night_until", sa.Time(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("free_wait_s", sa.Integer(), nullable=False),
        sa.Column("per_wait_min", sa.BigInteger(), nullable=False),
        sa.Column("addons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cancel_pct", sa.SmallInteger(), nullable=False),
        sa.Column("no_show_pct", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["region"], ["regions.slug"], name=op.f("fk_tariffs_region")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariffs")),
    )
    op.create_index(
        "uq_tariffs_place", "tariffs", ["service", "region"], unique=True, postgresql_nulls_not_distinct=True
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "service",
            sa.Enum(
                "tow", "repair", "ride", name="service", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "offered",
                "unassigned",
                "accepted",
                "en_route",
                "arrived",
                "in_progress",
                "completed",
                "cancelled",
                "no_show",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("lat", sa.DOUBLE_PRECISION(), nullable=False),
        sa.Column("lon", sa.DOUBLE_PRECISION(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("dropoff_lat", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("dropoff_lon", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("dropoff_address", sa.String(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("vehicle_type", sa.String(), nullable=True),
        sa.Column("vehicle", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("needs", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("seats", sa.SmallInteger(), nullable=False),
        sa.Column("contact_name", sa.String(), nullable=False),
        sa.Column("contact_phone", sa.String(), nullable=True),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("photos", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quote", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("search_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at_once", sa.SmallInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=True),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("en_route_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unassigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nudged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "fault",
            sa.Enum(
                "customer",
                "driver",
                "dispatcher",
                "house",
                name="party",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=True,
        ),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("said", sa.String(), sa.Computed(_SAID, persisted=True), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(dropoff_lat, dropoff_lon) IN (0, 2)", name=op.f("ck_orders_dropoff_is_a_place")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["users.id"], name=op.f("fk_orders_customer_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.user_id"], name=op.f("fk_orders_driver_id")),
        sa.ForeignKeyConstraint(["region"], ["regions.slug"], name=op.f("fk_orders_region")),
        sa.ForeignKeyConstraint(
            ["vehicle_id"], ["vehicles.id"], name=op.f("fk_orders_vehicle_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["vehicle_type"], ["vehicle_types.slug"], name=op.f("fk_orders_vehicle_type")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("uuid", name=op.f("uq_orders_uuid")),
    )
    op.create_index("ix_orders_customer", "orders", ["customer_id", "requested_at", "id"], unique=False)
    op.create_index("ix_orders_driver", "orders", ["driver_id", "requested_at", "id"], unique=False)
    op.create_index("ix_orders_requested_at", "orders", ["requested_at", "id"], unique=False)
    op.create_index(
        "ix_orders_said",
        "orders",
        ["said"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"said": "gin_trgm_ops"},
    )
    op.create_index(op.f("ix_orders_vehicle_id"), "orders", ["vehicle_id"], unique=False)
    op.create_index(
        "ix_orders_waiting",
        "orders",
        ["search_from", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('requested', 'offered', 'unassigned')"),
    )
    op.create_index(
        "uq_orders_driver",
        "orders",
        ["driver_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('accepted', 'en_route', 'arrived', 'in_progress')"),
    )
    op.create_table(
        "shifts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why_ended", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.user_id"], name=op.f("fk_shifts_driver_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["vehicle_id"], ["vehicles.id"], name=op.f("fk_shifts_vehicle_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
    )
    op.create_index("ix_shifts_driver", "shifts", ["driver_id", "started_at"], unique=False)
    op.create_index(
        "uq_shifts_open", "shifts", ["driver_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    # Who could be asked until now goes on as in a shift that has just begun.
    op.execute("INSERT INTO shifts (driver_id, started_at) SELECT user_id, now() FROM drivers WHERE online")
    op.create_table(
        "order_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "party",
            sa.Enum(
                "customer",
                "driver",
                "dispatcher",
                "house",
                name="party",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_order_events_by_id")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
    )
    op.create_index("ix_order_events_order", "order_events", ["order_id", "id"], unique=False)
    op.create_table(
        "order_links",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_links_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_order_links")),
        sa.UniqueConstraint("id", name=op.f("uq_order_links_id")),
    )
    op.create_index(op.f("ix_order_links_order_id"), "order_links", ["order_id"], unique=False)
    op.create_table(
        "order_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "party",
            sa.Enum(
                "customer",
                "driver",
                "dispatcher",
                "house",
                name="party",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_messages_order_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sender_id"], ["users.id"], name=op.f("fk_order_messages_sender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_messages")),
        sa.UniqueConstraint("uuid", name=op.f("uq_order_messages_uuid")),
    )
    op.create_index("ix_order_messages_order", "order_messages", ["order_id", "id"], unique=False)
    op.create_table(
        "order_offers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "accepted",
                "declined",
                "expired",
                "withdrawn",
                name="offerstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_via", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("distance_m", sa.REAL(), nullable=True),
        sa.Column("eta_s", sa.Integer(), nullable=True),
        sa.Column("score", sa.REAL(), nullable=True),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.user_id"], name=op.f("fk_order_offers_driver_id")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_offers_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_offers")),
        sa.UniqueConstraint("uuid", name=op.f("uq_order_offers_uuid")),
    )
    op.create_index("ix_order_offers_driver", "order_offers", ["driver_id", "offered_at"], unique=False)
    op.create_index("ix_order_offers_order", "order_offers", ["order_id", "id"], unique=False)
    op.create_index(
        "uq_order_offers_open_driver",
        "order_offers",
        ["driver_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.add_column("messages", sa.Column("order_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_messages_order_id"), "messages", "orders", ["order_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index(
        "ix_messages_order",
        "messages",
        ["order_id", "id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.add_column("drivers", sa.Column("regions", postgresql.ARRAY(sa.String()), nullable=True))
    op.add_column("vehicles", sa.Column("name", sa.String(), server_default="", nullable=False))
    op.add_column("vehicles", sa.Column("seats", sa.SmallInteger(), nullable=True))
    op.add_column("vehicles", sa.Column("payload_kg", sa.Integer(), nullable=True))
    op.add_column(
        "vehicles", sa.Column("lift", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "vehicles", sa.Column("ramp", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("vehicles", sa.Column("child_seats", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("vehicles", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("vehicles", "retired_at")
    op.drop_column("vehicles", "child_seats")
    op.drop_column("vehicles", "ramp")
    op.drop_column("vehicles", "lift")
    op.drop_column("vehicles", "payload_kg")
    op.drop_column("vehicles", "seats")
    op.drop_column("vehicles", "name")
    op.drop_column("drivers", "regions")
    op.drop_index(
        "ix_messages_order", table_name="messages", postgresql_where=sa.text("order_id IS NOT NULL")
    )
    op.drop_constraint(op.f("fk_messages_order_id"), "messages", type_="foreignkey")
    op.drop_column("messages", "order_id")
    op.drop_index(
        "uq_order_offers_open_driver", table_name="order_offers", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index("ix_order_offers_order", table_name="order_offers")
    op.drop_index("ix_order_offers_driver", table_name="order_offers")
    op.drop_table("order_offers")
    op.drop_index("ix_order_messages_order", table_name="order_messages")
    op.drop_table("order_messages")
    op.drop_index(op.f("ix_order_links_order_id"), table_name="order_links")
    op.drop_table("order_links")
    op.drop_index("ix_order_events_order", table_name="order_events")
    op.drop_table("order_events")
    op.drop_index("uq_shifts_open", table_name="shifts", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("ix_shifts_driver", table_name="shifts")
    op.drop_table("shifts")
    op.drop_index(
        "uq_orders_driver",
        table_name="orders",
        postgresql_where=sa.text("state IN ('accepted', 'en_route', 'arrived', 'in_progress')"),
    )
    op.drop_index(
        "ix_orders_waiting",
        table_name="orders",
        postgresql_where=sa.text("state IN ('requested', 'offered', 'unassigned')"),
    )
    op.drop_index(op.f("ix_orders_vehicle_id"), table_name="orders")
    op.drop_index("ix_orders_said", table_name="orders", postgresql_using="gin")
    op.drop_index("ix_orders_requested_at", table_name="orders")
    op.drop_index("ix_orders_driver", table_name="orders")
    op.drop_index("ix_orders_customer", table_name="orders")
    op.drop_table("orders")
    op.drop_index("uq_tariffs_place", table_name="tariffs", postgresql_nulls_not_distinct=True)
    op.drop_table("tariffs")
    op.drop_table("passengers")
    op.drop_table("vehicle_types")
    op.execute("DROP EXTENSION pg_trgm")
