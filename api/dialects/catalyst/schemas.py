"""Accounts as catalyst writes them."""

from api.accounts.emails import Email
from api.accounts.schemas import NewPassword
from api.schemas import Answer, Documented


class CatalystRegistration(Documented):
    """Somebody new, known by an email address."""

    email: Email
    password: NewPassword


class CatalystTokenOut(Answer):
    """The token of each further request, as `Authorization: Token …`; it is shown only here."""

    token: str
