"""A price in words."""
# ruff: noqa: RUF001 - Cyrillic is meant

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.orders import words
from dispatch.orders.pricing import Line, LineKind

LANGUAGES = ("en", "ru", "uz", "fr")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1_500_000, "UZS", "15\u00a0000.00\u00a0UZS"),
        (5, "EUR", "0.05\u00a0EUR"),
        (-150, "EUR", "-1.50\u00a0EUR"),
        (1_500, "JPY", "1\u00a0500\u00a0JPY"),
        (1_500, "KWD", "1.500\u00a0KWD"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(amount: int, currency: str, text: str) -> None:
    assert words.money(amount, currency) == text


@given(st.integers(-(10**15), 10**15), st.sampled_from(["UZS", "JPY", "KWD"]))
def test_no_minor_unit_is_lost_in_words(amount: int, currency: str) -> None:
    number = words.money(amount, currency).removesuffix(currency)
    assert int(number.replace("\u00a0", "").replace(".", "")) == amount


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LineKind)
def test_every_line_is_said_in_every_language(kind: LineKind, language: str) -> None:
    line = Line(kind, 250_000, "Car", quantity=7_500, each=50_000)
    text = words.say(line, "UZS", language)
    assert text
    assert "{" not in text


def test_a_way_is_told_in_kilometres_with_what_each_costs() -> None:
    line = Line(LineKind.DISTANCE, 1_375_000, quantity=5_500, unit="m", each=250_000)
    assert words.say(line, "UZS", "en") == (
        "The way: 5.5 km beyond those included, at 2\u00a0500.00\u00a0UZS each"
    )


@given(st.integers(1, 1_000_000))
def test_a_way_is_told_to_the_metre_so_that_it_can_be_reckoned_again(metres: int) -> None:
    text = words.say(Line(LineKind.DISTANCE, 1, quantity=metres, each=1), "UZS", "en")
    told = text.removeprefix("The way: ").partition(" km ")[0]
    assert round(float(told) * 1000) == metres


def test_who_reads_no_language_of_ours_reads_english() -> None:
    line = Line(LineKind.CANCEL_FEE, 1)
    assert words.say(line, "UZS", "tlh") == "For cancelling"
    assert words.say(line, "UZS", "ru-RU") == "За отмену"
