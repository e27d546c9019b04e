"""What devices are asked to do."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, PublicId, words
from db.models.devices import Device
from db.models.people import User
from db.states import CommandKind


class DeviceCommand(Base):
    """One thing a device was asked to do, closed by its reply; after `expires_at` it is not told of it."""

    __tablename__ = "device_commands"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    device_id: Mapped[BigRef] = mapped_column(ForeignKey("devices.id"))
    do: Mapped[CommandKind] = mapped_column(words(CommandKind))
    every_s: Mapped[int | None]
    span_s: Mapped[int | None]
    text: Mapped[str | None]
    asked_by_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"))  # none: the house
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(server_default=sql("now() + interval '5 minutes'"))
    replied_at: Mapped[datetime | None]
    ok: Mapped[bool | None]
    why: Mapped[str | None]

    device: Mapped[Device] = relationship(lazy="raise")
    asked_by: Mapped[User | None] = relationship(lazy="raise")

    __table_args__ = (Index("ix_device_commands_device", "device_id", "asked_at", "id"),)

    @property
    def frame_id(self) -> str:
        """What it is called on the wire: short, for packets are small."""
        return f"c{self.id}"
