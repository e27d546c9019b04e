"""What every table shares: naming of constraints, types of columns."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Enum, Identity, MetaData, SmallInteger, String, Uuid, func
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB, REAL
from sqlalchemy.orm import DeclarativeBase, mapped_column

BigId = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
BigRef = Annotated[int, mapped_column(BigInteger)]  # another table's id
Money = Annotated[int, mapped_column(BigInteger)]  # in minor units
Small = Annotated[int, mapped_column(SmallInteger)]
Real = Annotated[float, mapped_column(REAL)]  # four bytes are enough for what a sensor knows
PublicId = Annotated[uuid.UUID, mapped_column(Uuid, unique=True, default=uuid.uuid4)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


def words(of: type[StrEnum]) -> Enum:
    """A text column that holds one of the words of `of`; the database checks it."""
    return Enum(
        of,
        native_enum=False,
        create_constraint=True,
        length=24,
        values_callable=lambda members: [member.value for member in members],
        name=of.__name__.lower(),
    )


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        uuid.UUID: Uuid,
        float: DOUBLE_PRECISION,
        str: String,
    }
