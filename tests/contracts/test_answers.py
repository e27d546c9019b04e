"""How answers are held against what is documented."""

from tests.contracts.answers import differences, integer, text


def test_each_wrong_field_is_named_by_its_place() -> None:
    documented = {"id": integer, "user": {"name": text, "email": None}, "kinds": ["a", "b"]}
    said = {"id": True, "user": {"name": "", "photo": 1}, "kinds": ["a", "c"]}
    assert [each.split(":")[0] for each in differences(documented, said)] == [
        "answer.id",
        "answer.user.email",
        "answer.user.name",
        "answer.kinds.1",
    ]


def test_what_nobody_documented_is_ignored() -> None:
    assert differences({"id": 1}, {"id": 1, "uuid": "x"}) == []


def test_a_number_that_looks_the_same_is_not_the_same() -> None:
    assert differences({"id": 1}, {"id": 1.0}) != []
    assert differences([{"id": str}], {"id": "x"}) != []
