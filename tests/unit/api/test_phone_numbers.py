"""Phone numbers as people write them."""

import pytest

from api.accounts.phones import normalise


@pytest.mark.parametrize(
    "written", ["+998901234567", "+998 90 123-45-67", " +998 (90) 123 45 67 ", "tel:+998901234567"]
)
def test_a_number_is_kept_in_one_form(written: str) -> None:
    assert normalise(written) == "+998901234567"


@pytest.mark.parametrize(
    "written", ["", "901234567", "00998901234567", "+99", "+998", "call me", "+1234567890123456"]
)
def test_what_is_no_international_number_is_told_what_one_looks_like(written: str) -> None:
    with pytest.raises(ValueError, match=r"international form, such as \+998901234567"):
        normalise(written)
