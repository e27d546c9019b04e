"""The last known place of a device is two plain numbers: rewriting an index at each step cost the lane a third."""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.drop_index("ix_device_last_place", table_name="device_last")
    op.drop_column("device_last", "place")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE device_last ADD COLUMN place geography(POINT, 4326)"
        " GENERATED ALWAYS AS ((ST_SetSRID(ST_MakePoint(lon, lat), 4326))::geography) STORED"
    )
    op.create_index("ix_device_last_place", "device_last", ["place"], postgresql_using="gist")
