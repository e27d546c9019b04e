"""What all requests and answers share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


Storable = AfterValidator(_storable)
"""Text that is fit for the database; stands after limits of length, so that their words are kept."""


RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""A whole number that may be the id of a row."""


class Documented(BaseModel):
    """A request of a documented contract: what it does not know is ignored, as its source does."""

    model_config = ConfigDict(extra="ignore")


class Own(BaseModel):
    """A request of our own: a field it does not know is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """An answer, read from a row or an object."""

    model_config = ConfigDict(from_attributes=True)
