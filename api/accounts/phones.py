"""Phone numbers, in E.164 everywhere behind the counter."""

from typing import Annotated

import phonenumbers
from pydantic import AfterValidator, Field

_EXPECTED = "must be a phone number in international form, such as +998901234567"


def normalise(text: str) -> str:
    """The number in E.164; raises ValueError that says what is expected."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise ValueError(_EXPECTED) from None
    # Possible is enough: a list of valid numbers is always behind the numbers that are given out.
    if not phonenumbers.is_possible_number(number):
        raise ValueError(_EXPECTED)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_phone(subject: str) -> bool:
    """Whether it is a phone number in E.164; what else somebody is known by is an email address."""
    return "@" not in subject


Phone = Annotated[str, Field(max_length=40, examples=["+998901234567"]), AfterValidator(normalise)]
