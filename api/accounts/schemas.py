"""Accounts as the documented contract writes them."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo

from api.accounts.passwords import LONGEST, SHORTEST
from api.accounts.phones import Phone
from api.schemas import Answer, Documented, Storable
from db.models import User
from db.states import Role

# The contract shows one role; of several, the one that may most.
_RANKED = (Role.ADMIN, Role.DISPATCHER, Role.HELPER, Role.DRIVER)

Password = Annotated[str, Field(max_length=LONGEST)]
NewPassword = Annotated[Password, Field(min_length=SHORTEST)]


def same_as(field: str) -> AfterValidator:
    """What is said twice; stands on the second."""

    def check(again: str, info: ValidationInfo) -> str:
        if field in info.data and again != info.data[field]:
            raise ValueError(f"must be the same as {field}")
        return again

    return AfterValidator(check)


class Registration(Documented):
    """Somebody new."""

    phone_number: Phone
    full_name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Storable
    ]
    password: NewPassword
    password2: Annotated[Password, same_as("password")]


class Login(Documented):
    """Somebody who was here before."""

    phone_number: Phone
    password: Password


class Refresh(Documented):
    """A refresh token, to be turned into a new access token."""

    refresh: Annotated[str, Field(max_length=200)]


class UserOut(Answer):
    """A person."""

    uuid: UUID
    full_name: str
    phone_number: str | None
    email: str | None
    role: str
    status: str

    @classmethod
    def of(cls, user: User) -> "UserOut":
        """The account as its owner sees it; `granted` must be loaded."""
        held = {each.role for each in user.granted}
        return cls(
            uuid=user.uuid,
            full_name=user.full_name,
            phone_number=user.phone,
            email=user.email,
            role=next((role.name for role in _RANKED if role in held), "USER"),
            status=user.status.name,
        )


class TokensOut(Answer):
    """The access token for each request, and the refresh token for the next access token."""

    access: str
    refresh: str


class RegistrationOut(TokensOut):
    """The new account, logged in."""

    user: UserOut
