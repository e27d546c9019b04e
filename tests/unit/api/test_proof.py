"""Exports: seals that notice a change, tracks that fit on paper."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.proof.drawing import draw, thin
from api.proof.sealing import Digest, digest, is_unchanged

KEY = b"k" * 32
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(-1e9, 1e9)
documents = st.dictionaries(
    st.text(min_size=1),
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    min_size=1,
    max_size=6,
)
degrees = st.tuples(st.floats(-80, 80), st.floats(-180, 180))


@given(documents)
def test_a_copy_in_another_order_bears_the_same_seal(document: dict[str, Any]) -> None:
    turned = dict(reversed(list(copy.deepcopy(document).items())))
    assert is_unchanged(turned, digest(document, key=KEY), key=KEY)


@given(documents, st.data())
def test_a_changed_field_breaks_the_seal(document: dict[str, Any], data: st.DataObject) -> None:
    claimed = digest(document, key=KEY)
    field = data.draw(st.sampled_from(sorted(document)))
    assert not is_unchanged(document | {field: [document[field], "changed"]}, claimed, key=KEY)
    assert not is_unchanged({name: document[name] for name in document if name != field}, claimed, key=KEY)


def test_a_seal_of_another_house_is_none() -> None:
    assert not is_unchanged({"a": 1}, digest({"a": 1}, key=b"x" * 32), key=KEY)
    assert not is_unchanged({"a": 1}, Digest(digest({"a": 1}, key=KEY).sha256, ""), key=KEY)


@given(st.lists(st.integers(), max_size=300), st.integers(2, 100))
def test_thinning_keeps_the_ends_and_the_order(items: list[int], most: int) -> None:
    marked = list(enumerate(items))
    kept = thin(marked, most=most)
    assert len(kept) == min(len(items), most)
    assert kept == sorted(set(kept))
    assert kept[:1] == marked[:1]
    assert kept[-1:] == marked[-1:]


@given(st.lists(degrees, min_size=1, max_size=50))
def test_a_drawn_track_stays_on_its_paper_and_its_bar_is_true(places: list[tuple[float, float]]) -> None:
    drawing = draw(places)
    assert all(-0.01 <= x <= drawing.size + 0.01 for point in drawing.points for x in point)
    assert 0 < drawing.bar < drawing.size / 2
    assert str(drawing.bar_m).rstrip("0") in {"1", "2", "5"}


def test_north_is_up_and_the_date_line_is_no_trip_around_the_world() -> None:
    south, north = draw([(41.0, 69.0), (41.01, 69.0)]).points
    assert north[1] < south[1]
    east = draw([(0.0, 179.999), (0.0, -179.999)])
    assert east.bar_m < 200
    assert east.points[1][0] > east.points[0][0]


def test_nothing_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="nothing"):
        draw([])
