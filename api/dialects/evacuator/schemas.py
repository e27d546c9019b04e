"""Accounts as evacuator writes them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, StringConstraints, field_validator

from api.accounts.emails import Email
from api.accounts.phones import Phone
from api.accounts.schemas import NewPassword, Password, TokensOut, same_as
from api.codes.schemas import ShownCode
from api.dialects import names
from api.dialects.forms import Absent
from api.schemas import Answer, Documented, Storable
from db.models import User
from db.states import Role

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), Storable]

# Operators are appointed, not registered.
ROLES = {"CLIENT": Role.CUSTOMER, "DRIVER": Role.DRIVER}
_RANKED = ((Role.ADMIN, "OPERATOR"), (Role.DISPATCHER, "OPERATOR"), (Role.DRIVER, "DRIVER"))


class EvacuatorRegistration(Documented):
    """Somebody new, a client or a driver."""

    phone: Phone
    password: NewPassword
    password_confirm: Annotated[Password, same_as("password")]
    user_type: Literal["CLIENT", "DRIVER"] = "CLIENT"
    email: Annotated[Email | None, Absent] = None
    first_name: Name = ""
    last_name: Name = ""

    @field_validator("user_type", mode="before")
    @classmethod
    def _in_capitals(cls, user_type: object) -> object:
        return user_type.upper() if isinstance(user_type, str) else user_type


class EvacuatorLogin(Documented):
    """Somebody who was here before."""

    phone: Phone
    password: Password


class PasswordByPhone(Documented):
    """A new password: without the code one is sent to the phone, with it the password is set."""

    phone_number: Annotated[Phone, Field(validation_alias=AliasChoices("phone_number", "phone"))]
    new_password: Annotated[NewPassword, Field(validation_alias=AliasChoices("new_password", "password"))]
    code: ShownCode | None = None


class EvacuatorUserOut(Answer):
    """A person."""

    id: int
    username: str
    email: str | None
    phone: str | None
    first_name: str
    last_name: str
    user_type: str
    date_joined: datetime

    @classmethod
    def of(cls, user: User) -> "EvacuatorUserOut":
        """The account as its owner sees it; `granted` must be loaded."""
        held = {each.role for each in user.granted}
        first_name, last_name = names.split(user.full_name)
        return cls(
            id=user.id,
            username=(user.phone or "").removeprefix("+") or user.email or str(user.uuid),
            email=user.email,
            phone=user.phone,
            first_name=first_name,
            last_name=last_name,
            user_type=next((word for role, word in _RANKED if role in held), "CLIENT"),
            date_joined=user.created_at,
        )


class EvacuatorEntryOut(TokensOut):
    """An account, logged in."""

    user: EvacuatorUserOut
