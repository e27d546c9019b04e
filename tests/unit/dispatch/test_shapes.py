"""What can be told of an area without a map."""

import pytest

from dispatch.shapes import Shape, find_faults
from tests.maps import ring

SQUARE = ring()


def faults(shape: Shape, most: int = 100) -> str:
    return "; ".join(find_faults(shape, most_vertices=most))


def test_a_square_with_a_hole_is_good() -> None:
    assert faults([[SQUARE, ring(69.2, 41.2, 0.1)]]) == ""


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ([], "at least one polygon"),
        ([[]], "at least one polygon"),
        ([[SQUARE[:3]]], "the outer ring has 3 positions"),
        ([[SQUARE[:4]]], "the outer ring is not closed"),
        ([[SQUARE, SQUARE[:4]]], "hole 1 is not closed"),
        ([[SQUARE], [SQUARE[:4]]], "polygon 2: the outer ring is not closed"),
        ([[ring(120, 95)]], "latitude within 90"),
        ([[ring(41, 120)]], "latitude and longitude look swapped"),
        ([[[(179, 0), (-179, 0), (-179, 1), (179, 1), (179, 0)]]], "cut the area at longitude 180"),
    ],
)
def test_what_is_wrong_is_said(shape: Shape, said: str) -> None:
    assert said in faults(shape)


def test_each_bad_ring_is_named() -> None:
    assert len(find_faults([[SQUARE[:4], SQUARE[:3]]], most_vertices=100)) == 2


def test_an_area_may_be_too_detailed() -> None:
    assert "has 5 vertices; at most 4" in faults([[SQUARE]], most=4)
