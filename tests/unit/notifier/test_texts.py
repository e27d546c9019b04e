"""What is said to people."""

import string
from typing import Any

import pytest

from notifier import texts

CODES = ("code.login", "code.verify", "code.reset")
LANGUAGES = ("en", "ru", "uz", "fr")

VALUES = {
    "code.login": {"code", "minutes"},
    "code.verify": {"code", "minutes"},
    "code.reset": {"code", "minutes"},
    "phone.changed": {"ending"},
    "email.changed": set(),
    "sos.helper": {"name", "type", "distance", "link", "code"},
    "sos.nudge": {"name"},
    "sos.over": {"name"},
    "sos.taken": {"name"},
    "sos.dispatcher": {"name", "type", "region", "link"},
    "sos.supervisor": {"name", "type", "region", "minutes"},
    "sos.guardian": {"name", "type", "link"},
    "sos.guardian_over": {"name"},
    "sos.push_refused": set(),
    "order.offer": {"service", "distance", "price"},
    "order.taken": set(),
    "order.off": set(),
    "order.given": {"service"},
    "order.nudge": set(),
    "order.taken_away": set(),
    "order.coming": {"name", "eta", "vehicle"},
    "order.arrived": {"name", "vehicle"},
    "order.given_back": set(),
    "order.unassigned": set(),
    "order.cancelled": set(),
    "order.message": set(),
    "order.no_show": set(),
    "order.desk": {"service", "region"},
    "shift.licence_soon": {"date"},
    "shift.licence_expired": {"date"},
}
"""What each text is filled with: the contract with whoever has it told."""

LONGEST = {
    "code": "314159",
    "minutes": "120",
    "ending": "67",
    "date": "2026-12-31",
    "name": "Абдурахмон-Шахрисабз",
    "type": "immobile",
    "distance": "12345",
    "service": "repair",
    "price": "123456789050 UZS",
    "eta": "86400",
    "vehicle": "Chevrolet Cobalt, white metallic 01 A 123 BC",
    "region": "north-of-the-river-and-beyond",
    "link": "https://maps.google.com/?q=-41.311081,-169.240562",
}
LIVE_LINK = "https://mayday.example.org/live/" + 43 * "x"

TWO_SHORT_MESSAGES = 2 * 67
"""UTF-16 units of two parts that carry more than Latin letters."""


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("language", ["en", "ru", "uz", "fr", "ru-RU", "FR_fr"])
@pytest.mark.parametrize("kind", CODES)
def test_a_code_is_told_in_each_language_with_its_time(kind: str, language: str) -> None:
    title, text = texts.say(kind, language, code="314159", minutes="5")
    assert "314159" in text
    assert "5 " in text.replace("314159", "")
    assert "314159" not in title
    assert "{" not in text


def test_every_text_is_in_the_contract() -> None:
    assert set(VALUES) == set(texts._TEXTS)


@pytest.mark.parametrize("kind", VALUES)
def test_every_text_exists_in_each_language_and_wants_what_is_documented(kind: str) -> None:
    said = texts._TEXTS[kind]
    assert set(said) == set(LANGUAGES)
    assert len(set(said.values())) == len(LANGUAGES)
    for words in said.values():
        assert {name for _, name, _, _ in string.Formatter().parse(words) if name} == VALUES[kind]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", VALUES)
def test_every_text_fits_two_short_messages_even_in_an_exercise(kind: str, language: str) -> None:
    longest = LONGEST | ({"link": LIVE_LINK} if kind == "sos.guardian" else {})
    values = {name: longest[name] for name in VALUES[kind]}
    title, text = texts.say(kind, language, exercise=kind.startswith("sos."), **values)
    assert units(text) <= TWO_SHORT_MESSAGES, (units(text), text)
    assert "{" not in title + text


@pytest.mark.parametrize(
    ("language", "word"), [("en", "EXERCISE"), ("ru", "УЧЕНИЯ"), ("uz", "MASHQ"), ("fr", "EXERCICE")]
)
def test_an_exercise_says_so_before_anything_else(language: str, word: str) -> None:
    title, text = texts.say("sos.nudge", language, exercise=True, name="Aziza")
    assert title.startswith(word)
    assert text.startswith(word)
    assert word not in "".join(texts.say("sos.nudge", language, name="Aziza"))


@pytest.mark.parametrize(
    ("metres", "language", "said"),
    [("850", "en", "850 m"), ("1240", "en", "1.2 km"), ("1240", "ru", "1,2 км"), ("12345", "fr", "12 km")],
)
def test_a_distance_is_said_as_people_say_it(metres: str, language: str, said: str) -> None:
    values = LONGEST | {"distance": metres}
    filled = {name: values[name] for name in VALUES["sos.helper"]}
    _, text = texts.say("sos.helper", language, exercise=False, **filled)
    assert f" {said}." in text


def test_a_type_is_said_in_words_and_one_that_is_not_known_as_it_came() -> None:
    assert "падение" in texts.say("sos.guardian", "ru", name="Aziza", type="fall", link="x")[1]
    assert "drowning" in texts.say("sos.guardian", "ru", name="Aziza", type="drowning", link="x")[1]


@pytest.mark.parametrize("language", ["en", "ru", "uz", "fr"])
def test_who_has_another_number_is_told_how_it_ends_and_it_fits_two_messages(language: str) -> None:
    title, text = texts.say("phone.changed", language, ending="67")
    assert "67" in text
    assert "67" not in title
    assert len(text) <= 134  # of two parts in Unicode


def test_whose_language_is_not_known_is_told_in_english() -> None:
    assert texts.say("code.login", "xx", code="1", minutes="5") == texts.say(
        "code.login", "en", code="1", minutes="5"
    )


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ("12000000 UZS", "120 000 UZS"),
        ("12000050 UZS", "120 000.50 UZS"),
        ("1500 JPY", "1 500 JPY"),
        ("1500 TND", "1.500 TND"),
        ("7 EUR", "0.07 EUR"),
    ],
)
def test_a_price_is_said_in_the_units_people_pay_in(price: str, said: str) -> None:
    _, text = texts.say("order.offer", "en", service="tow", distance="850", price=price)
    assert text == f"tow, 850 m: {said}. Open Mayday to take it."


def test_who_comes_is_said_with_as_much_as_is_known() -> None:
    known: dict[str, Any] = {"name": "Rustam", "vehicle": "White Cobalt 01 A 123 BC"}
    assert texts.say("order.coming", "en", eta="290", **known)[1] == (
        "Rustam is coming to you, about 5 min. White Cobalt 01 A 123 BC"
    )
    assert texts.say("order.coming", "en", eta="10", name="Rustam", vehicle="")[1] == (
        "Rustam is coming to you, about 1 min."
    )
    assert "as soon as possible" in texts.say("order.coming", "en", eta="", **known)[1]


def test_an_order_whose_distance_is_not_known_says_so() -> None:
    assert "place not known" in texts.say("order.offer", "en", service="ride", distance="", price="1 UZS")[1]
