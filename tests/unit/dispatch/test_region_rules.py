"""What a region may be, and that nothing lies in itself."""

from hypothesis import given
from hypothesis import strategies as st

from dispatch.regions.rules import Draft, faults_of, find_cycle
from tests.maps import ring


def test_default_has_neither_area_nor_parent_nor_children() -> None:
    said = faults_of(Draft("default", "Everywhere else", parent="asia", area=[[ring()]]))
    assert set(said) == {"geometry", "properties.parent"}
    assert set(faults_of(Draft("tashkent", "Tashkent", parent="default"))) == {"properties.parent"}


def test_a_slug_is_fit_for_a_topic() -> None:
    for slug in ("", "Tashkent", "a/b", "+", "#", "-a", "a" * 64):
        assert "properties.slug" in faults_of(Draft(slug, "x"))
    assert not faults_of(Draft("a" * 63, "x"))


def test_a_circle_of_parents_is_found_with_its_way() -> None:
    assert find_cycle({"a": "b", "b": "c", "c": "a"}, ["b"]) == ["b", "c", "a", "b"]
    assert find_cycle({"a": "a"}, ["a"]) == ["a", "a"]
    assert find_cycle({"a": "b", "b": None}, ["a", "b"]) is None


@given(st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from("abcdefg")))
def test_no_circle_is_missed_and_none_invented(parents: dict[str, str]) -> None:
    def reaches_itself(slug: str) -> bool:
        seen, above = set(), parents.get(slug)
        while above is not None and above not in seen:
            seen.add(above)
            above = parents.get(above)
        return slug in seen

    assert (find_cycle(parents, parents) is not None) == any(map(reaches_itself, parents))
