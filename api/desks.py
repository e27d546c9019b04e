"""What a desk watches, as a condition inside the query."""

from typing import Any

from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import InstrumentedAttribute

from api.accounts.service import Person
from broker.topics import DEFAULT_REGION


def watches(desk: Person, region: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Whether a region is one of those of a desk; what lies in none is everyone's."""
    if desk.watched is None:
        return true()
    return region.in_(sorted({DEFAULT_REGION, *desk.watched}))
