"""Regions know their size; fences, how devices stand to them, and their crossings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "geofences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "area",
            Geography(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
            ),
            nullable=True,
        ),
        sa.Column("lat", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("lon", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("radius_m", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("depth_m", sa.DOUBLE_PRECISION(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(device_id, person_id) = 1", name=op.f("ck_geofences_watches_one")),
        sa.CheckConstraint(
            "num_nonnulls(lat, lon, radius_m) = CASE WHEN area IS NULL THEN 3 ELSE 0 END",
            name=op.f("ck_geofences_has_one_shape"),
        ),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_geofences_device_id")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_geofences_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_geofences_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geofences")),
        sa.UniqueConstraint("uuid", name=op.f("uq_geofences_uuid")),
    )
    op.create_index(op.f("ix_geofences_device_id"), "geofences", ["device_id"], unique=False)
    op.create_index(op.f("ix_geofences_owner_id"), "geofences", ["owner_id"], unique=False)
    op.create_index(op.f("ix_geofences_person_id"), "geofences", ["person_id"], unique=False)
    op.create_table(
        "geofence_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("geofence_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("entered", "left", name="crossing", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_geofence_events_device_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["geofence_id"], ["geofences.id"], name=op.f("fk_geofence_events_geofence_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geofence_events")),
        sa.UniqueConstraint(
            "geofence_id", "device_id", "at", name=op.f("uq_geofence_events_geofence_id_device_id_at")
        ),
    )
    op.create_index("ix_geofence_events_at", "geofence_events", ["at"], unique=False)
    op.create_index(op.f("ix_geofence_events_device_id"), "geofence_events", ["device_id"], unique=False)
    op.create_index("ix_geofence_events_newest", "geofence_events", ["geofence_id", "at", "id"], unique=False)
    op.create_table(
        "geofence_watches",
        sa.Column("geofence_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "side",
            sa.Enum("inside", "outside", name="side", native_enum=False, create_constraint=True, length=24),
            nullable=True,
        ),
        sa.Column("doubted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_geofence_watches_device_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["geofence_id"],
            ["geofences.id"],
            name=op.f("fk_geofence_watches_geofence_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("geofence_id", "device_id", name=op.f("pk_geofence_watches")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index(op.f("ix_geofence_watches_device_id"), "geofence_watches", ["device_id"], unique=False)
    op.add_column(
        "regions",
        sa.Column(
            "area_m2", sa.DOUBLE_PRECISION(), sa.Computed("ST_Area(area)", persisted=True), nullable=True
        ),
    )


def downgrade() -> None:
    op.drop_column("regions", "area_m2")
    op.drop_index(op.f("ix_geofence_watches_device_id"), table_name="geofence_watches")
    op.drop_table("geofence_watches")
    op.drop_index("ix_geofence_events_newest", table_name="geofence_events")
    op.drop_index(op.f("ix_geofence_events_device_id"), table_name="geofence_events")
    op.drop_index("ix_geofence_events_at", table_name="geofence_events")
    op.drop_table("geofence_events")
    op.drop_index(op.f("ix_geofences_person_id"), table_name="geofences")
    op.drop_index(op.f("ix_geofences_owner_id"), table_name="geofences")
    op.drop_index(op.f("ix_geofences_device_id"), table_name="geofences")
    op.drop_table("geofences")
