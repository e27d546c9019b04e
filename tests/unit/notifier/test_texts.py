"""What is said to people."""

import pytest

from notifier import texts

KINDS = ("code.login", "code.verify", "code.reset")


@pytest.mark.parametrize("language", ["en", "ru", "uz", "fr", "ru-RU", "FR_fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_code_is_told_in_each_language_with_its_time(kind: str, language: str) -> None:
    title, text = texts.say(kind, language, code="314159", minutes="5")
    assert "314159" in text
    assert "5 " in text.replace("314159", "")
    assert "314159" not in title
    assert "{" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_each_language_says_it_differently(kind: str) -> None:
    said = {texts.say(kind, language, code="1", minutes="5") for language in ("en", "ru", "uz", "fr")}
    assert len(said) == 4


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
