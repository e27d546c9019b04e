"""How often something was tried that may not be tried often."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class TryCount(Base):
    """The tries of one account from one address, or of one address, since the first of them.

    Unlogged: written at each login, and a crash of the database may forget it.
    """

    __tablename__ = "tries"

    key: Mapped[str] = mapped_column(primary_key=True)  # a digest: nobody's number stands here
    since: Mapped[datetime]
    count: Mapped[int]

    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy reads it from the class
