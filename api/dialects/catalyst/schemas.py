"""Accounts as catalyst writes them."""

from typing import Annotated

from pydantic import Field

from api.accounts.emails import Email
from api.accounts.passwords import SHORTEST
from api.accounts.schemas import Password
from api.schemas import Answer, Documented


class CatalystRegistration(Documented):
    """Somebody new, known by an email address."""

    email: Email
    password: Annotated[Password, Field(min_length=SHORTEST)]


class CatalystTokenOut(Answer):
    """The token of each further request, as `Authorization: Token …`; it is shown only here."""

    token: str
