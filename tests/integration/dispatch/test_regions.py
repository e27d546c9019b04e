"""Regions on a real map: which covers a place, and what may be done with them."""

import random
import time
from collections.abc import Sequence
from itertools import pairwise
from math import cos, pi, sin
from statistics import median

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql

from db.models import Region
from db.session import Database
from dispatch.errors import Conflict, WrongFields
from dispatch.regions import region_of, service
from dispatch.regions.queries import covering
from dispatch.regions.rules import Draft
from dispatch.shapes import Position, Ring, Shape
from tests.builders import TASHKENT, incident_of, make_device, report
from tests.maps import METRE, explain, make_region, ring


def region_at(database: Database, lat: float, lon: float) -> str:
    with database.transaction() as session:
        return region_of(session, lat, lon)


def wrong(database: Database, *drafts: Draft) -> dict[str, str]:
    with database.transaction() as session, pytest.raises(WrongFields) as refused:
        service.import_all(session, drafts)
    return {each["field"]: each["message"] for each in refused.value.wrong}


def test_the_highest_priority_wins_then_the_smallest_area(database: Database) -> None:
    make_region(database, "country", [[ring(60, 38, 10)]])
    make_region(database, "city", [[ring(69, 41, 0.5)]])
    assert region_at(database, **TASHKENT) == "city"
    make_region(database, "motorway", [[ring(68, 40, 3)]], priority=1)
    assert region_at(database, **TASHKENT) == "motorway"
    assert region_at(database, 39, 61) == "country"
    assert region_at(database, 0, 0) == "default"


def test_a_hole_is_not_covered(database: Database) -> None:
    make_region(database, "ring", [[ring(69, 41, 1), ring(69.2, 41.2, 0.2)]])
    assert region_at(database, 41.1, 69.1) == "ring"
    assert region_at(database, 41.3, 69.3) == "default"


corner = st.floats(-0.02, 0.02)
star = st.lists(st.floats(0.002, 0.02), min_size=3, max_size=12)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(star, star, st.lists(st.tuples(corner, corner), min_size=1, max_size=8), st.integers(-1, 1))
def test_region_of_is_what_a_naive_search_finds(
    database: Database,
    one: list[float],
    other: list[float],
    places: list[tuple[float, float]],
    priority: int,
) -> None:
    areas = {"one": [[_star(one)]], "other": [[_star(other)]]}
    drafts = [Draft("one", "one", area=areas["one"]), Draft("other", "other", None, priority, areas["other"])]
    with database.transaction() as session:
        service.import_all(session, drafts)
        sizes = {row.slug: row.area_m2 for row in session.execute(select(Region.slug, Region.area_m2))}
        order = sorted(drafts, key=lambda draft: (-draft.priority, sizes[draft.slug] or 0))
        for lon, lat in ((69 + east, 41 + north) for east, north in places):
            # A border is a geodesic here and a straight line there: as thin as a hand, and left out.
            if any(_near(lon, lat, area[0][0]) for area in areas.values()):
                continue
            naive = next((d.slug for d in order if _contains(areas[d.slug][0][0], lon, lat)), "default")
            assert region_of(session, lat, lon) == naive


def _star(radii: Sequence[float]) -> Ring:
    turns = [2 * pi * number / len(radii) for number in range(len(radii))]
    points: list[Position] = [
        (69 + radius * cos(turn), 41 + radius * sin(turn)) for radius, turn in zip(radii, turns, strict=True)
    ]
    return [*points, points[0]]


def _contains(around: Ring, lon: float, lat: float) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in pairwise(around):
        if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _near(lon: float, lat: float, around: Ring) -> bool:
    for (x1, y1), (x2, y2) in pairwise(around):
        length = (x2 - x1) ** 2 + (y2 - y1) ** 2
        along = max(0.0, min(1.0, ((lon - x1) * (x2 - x1) + (lat - y1) * (y2 - y1)) / length))
        if (lon - x1 - along * (x2 - x1)) ** 2 + (lat - y1 - along * (y2 - y1)) ** 2 < (5 * METRE) ** 2:
            return True
    return False


@pytest.mark.alone
def test_a_thousand_regions_are_searched_by_index_in_no_time(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO regions (slug, name, area) SELECT format('r-%s-%s', lon, lat), 'x',"
                " ST_Multi(ST_MakeEnvelope(lon, lat, lon + 0.6, lat + 0.6, 4326))"
                " FROM generate_series(50, 69.5, 0.5) lon, generate_series(30, 42, 0.5) lat"
            )
        )
        session.execute(text("ANALYZE regions"))
        statement = covering(41.3, 69.2).compile(
            dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
            compile_kwargs={"literal_binds": True},
        )
        assert "ix_regions_area" in explain(session, str(statement).replace("%%", "%"))
        chance = random.Random(7)
        took_s: list[float] = []
        for _ in range(200):
            lat, lon = chance.uniform(30, 42), chance.uniform(50, 69)
            began = time.perf_counter()
            assert region_of(session, lat, lon) != "default"
            took_s.append(time.perf_counter() - began)
    assert median(took_s) < 0.005  # about 1 ms where nothing else runs


@pytest.mark.parametrize(
    ("area", "said"),
    [
        ([[[(69, 41), (70, 42), (70, 41), (69, 42), (69, 41)]]], "Self-intersection"),
        ([[ring(69, 41), ring(75, 45, 0.1)]], "Hole lies outside shell"),
        ([[ring(69, 41)[:4]]], "is not closed"),
    ],
)
def test_a_bad_area_is_refused_with_its_reason(database: Database, area: Shape, said: str) -> None:
    assert said in wrong(database, Draft("bad", "Bad", area=area))["features.0.geometry"]


def test_swapped_coordinates_are_recognised_by_where_the_others_lie(database: Database) -> None:
    make_region(database, "tashkent", [[ring(69, 41, 1)]])
    assert (
        "swapped"
        in wrong(database, Draft("next", "Next", area=[[ring(41.5, 69.5, 0.1)]]))["features.0.geometry"]
    )
    make_region(database, "far-away", [[ring(-70, -33, 1)]])


def test_nothing_lies_in_itself(database: Database) -> None:
    make_region(database, "a")
    make_region(database, "b", parent="a")
    assert "circle" in wrong(database, Draft("a", "A", parent="b"))["features.0.properties.parent"]


def test_an_import_is_all_or_nothing_and_takes_children_before_parents(database: Database) -> None:
    child, parent = Draft("child", "Child", parent="parent"), Draft("parent", "Parent")
    said = wrong(database, child, parent, Draft("x", "X", parent="nowhere"), Draft("x", "X"))
    assert set(said) == {"features.2.properties.parent", "features.3.properties.slug"}
    with database.transaction() as session:
        assert session.scalars(select(Region.slug)).all() == ["default"]
        service.import_all(session, [child, parent])
    with database.transaction() as session:
        assert session.scalar(select(Region.parent_id).where(Region.slug == "child")) is not None


def test_open_incidents_stay_where_they_were_opened(database: Database) -> None:
    make_region(database, "tashkent", [[ring(69, 41, 1)]])
    incident = report(database, make_device(database), **TASHKENT)
    with database.transaction() as session:
        service.replace(session, "tashkent", Draft("tashkent", "Tashkent", area=[[ring(10, 10, 1)]]))
    assert incident_of(database, incident).region == "tashkent"


@pytest.mark.parametrize(
    ("slug", "said"), [("default", "default"), ("parent", "child"), ("tashkent", "1 incident")]
)
def test_a_region_that_is_needed_stays(database: Database, slug: str, said: str) -> None:
    make_region(database, "parent")
    make_region(database, "child", parent="parent")
    make_region(database, "tashkent", [[ring(69, 41, 1)]])
    report(database, make_device(database), **TASHKENT)
    with database.transaction() as session, pytest.raises(Conflict, match=said):
        service.remove(session, slug)


def test_a_call_for_help_finds_its_region_while_somebody_removes_it(database: Database) -> None:
    make_region(database, "tashkent", [[ring(69, 41, 1)]])
    with database.transaction() as calling:
        assert region_of(calling, **TASHKENT) == "tashkent"
        with database.transaction() as admin:
            admin.execute(text("SET LOCAL lock_timeout = '200ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                service.remove(admin, "tashkent")
            admin.rollback()
