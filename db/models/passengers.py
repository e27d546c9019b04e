"""Those who ride: what they cannot ride without."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigRef


class Passenger(Base):
    """What a person said of themselves as a passenger; who said nothing yet has no row."""

    __tablename__ = "passengers"

    user_id: Mapped[BigRef] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    category: Mapped[str] = mapped_column(default="", server_default="")  # of a disability, in their words
    needs: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)  # words of states.Need
    companion: Mapped[bool] = mapped_column(default=False, server_default=false())  # somebody rides along
    changed_at: Mapped[datetime]
