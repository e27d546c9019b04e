"""Drivers as the rules of matching see them: for one order with all that speaks against, and for a round."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from db.models import Order, VehicleType
from dispatch.matching import driver_rules, driver_scoring, fairness
from dispatch.matching.driver_rules import ASK_AGAIN, Ability, Demand, Equipment, Readiness, Reason
from dispatch.matching.driver_scoring import Point, Policy, Score, There
from dispatch.matching.fairness import HALF_LIFE, NOTHING, WINDOW, Standing
from dispatch.matching.rules import FRESH
from dispatch.matching.settings import current_policy

MOST = 200
"""So many of the nearest are shown at most."""

_READ_ANEW = timedelta(minutes=1)

# The point is spelled out wherever it is used: so the index gives the rows in their order.
_HERE = "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography"

# What they come with is what they chose for the shift, else the first they have.
_DRIVERS = """
    SELECT driver.user_id, driver.services, driver.regions, driver.online, driver.licence_expires_on,
           person.uuid, person.full_name, person.status = 'active' AS active,
           place.at AS place_at, place.lat, place.lon,
           vehicle.id AS vehicle_id, vehicle.type AS vehicle_type, vehicle.name AS vehicle_name,
           vehicle.registration, vehicle.seats, vehicle.payload_kg, vehicle.lift, vehicle.ramp,
           vehicle.child_seats,
           EXISTS (SELECT FROM user_roles granted
                   WHERE granted.user_id = person.id AND granted.role = 'driver') AS is_driver,
           EXISTS (SELECT FROM orders taken
                   WHERE taken.driver_id = driver.user_id
                     AND taken.state IN ('accepted', 'en_route', 'arrived', 'in_progress')) AS busy,
           EXISTS (SELECT FROM order_offers offer
                   WHERE offer.driver_id = driver.user_id AND offer.state = 'open') AS offer_open,
           EXISTS (SELECT FROM push_tokens app
                   WHERE app.user_id = person.id AND app.dropped_at IS NULL)
             OR EXISTS (SELECT FROM devices phone
                        WHERE phone.owner_id = person.id AND phone.kind = 'phone'
                          AND phone.retired_at IS NULL) AS has_app
    FROM drivers driver
    JOIN users person ON person.id = driver.user_id
    {join} last_places place ON place.user_id = driver.user_id
    LEFT JOIN shifts shift ON shift.driver_id = driver.user_id AND shift.ended_at IS NULL
    LEFT JOIN LATERAL (
        SELECT * FROM vehicles own
        WHERE own.driver_id = driver.user_id AND own.retired_at IS NULL
        ORDER BY own.id = shift.vehicle_id DESC NULLS LAST, own.id
        LIMIT 1
    ) vehicle ON true
    {which}
"""
_ONLINE = "driver.online AND person.status = 'active' AND place.at >= :fresh_since"
_THERE = text(_DRIVERS.format(join="JOIN", which=f"WHERE {_ONLINE} ORDER BY driver.user_id"))
_THOSE = text(_DRIVERS.format(join="LEFT JOIN", which="WHERE driver.user_id = ANY (:drivers)"))
_NEAR = _DRIVERS.format(
    join="LEFT JOIN",
    which="WHERE {which} ORDER BY place.place <-> {here} NULLS LAST, driver.user_id LIMIT :most",
)
_NEAREST = text(_NEAR.format(which="true", here=_HERE))
# Many who cannot come do not hide those behind them; the rules judge whoever is found all the same.
_NEAREST_ONLINE = text(_NEAR.format(which=_ONLINE, here=_HERE))

# As fairness.standing adds up a ledger; a shift, whose hours count the less the longer ago, is an integral.
_STANDINGS = text("""
    SELECT driver_id, sum(offers) AS offers, sum(accepts) AS accepts, sum(hours) AS hours
    FROM (
        SELECT offer.driver_id, line.weight AS offers, 0 AS hours,
               CASE WHEN offer.state = 'accepted' THEN line.weight ELSE 0 END AS accepts
        FROM order_offers offer
        CROSS JOIN LATERAL (
            SELECT power(0.5, extract(epoch FROM :at - offer.offered_at)::float8 / :half_life_s) AS weight
        ) line
        WHERE offer.driver_id = ANY (:drivers) AND offer.offered_at BETWEEN :since AND :at
        UNION ALL
        SELECT shift.driver_id, 0,
               (power(0.5, extract(epoch FROM :at - piece.until_at)::float8 / :half_life_s)
                - power(0.5, extract(epoch FROM :at - piece.from_at)::float8 / :half_life_s))
               * :half_life_s / ln(2.0::float8) / 3600,
               0
        FROM shifts shift
        CROSS JOIN LATERAL (
            SELECT greatest(shift.started_at, :since) AS from_at, least(shift.ended_at, :at) AS until_at
        ) piece
        WHERE shift.driver_id = ANY (:drivers) AND piece.from_at < piece.until_at
    ) ledger
    GROUP BY driver_id
""")
_ASKED = text("""
    SELECT order_id, driver_id FROM order_offers
    WHERE order_id = ANY (:orders)
      AND (state IN ('open', 'accepted', 'declined') OR (state = 'expired' AND until_at > :lately))
""")


@dataclass(frozen=True, slots=True)
class Coming:
    """What a driver would come with."""

    id: int
    type: str
    name: str
    registration: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A driver near an order; whoever has no reason against may be asked."""

    driver_id: int
    uuid: UUID
    name: str
    vehicle: Coming | None
    place: Point | None
    place_at: datetime | None
    distance_m: float | None
    reasons: Sequence[Reason]
    score: Score | None  # none: nobody knows where they are
    standing: Standing


class Standings:
    """What each driver was given lately; it changes slowly, and is read anew after a minute."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[datetime, Standing]] = {}

    def of(self, session: Session, drivers: Sequence[int], *, at: datetime) -> dict[int, Standing]:
        """Of each of these."""
        good_since = at - _READ_ANEW
        old = [each for each in drivers if each not in self._known or self._known[each][0] <= good_since]
        if old:
            found = find_standings(session, old, at=at)
            self._known.update((each, (at, found.get(each, NOTHING))) for each in old)
        return {each: self._known[each][1] for each in drivers}


def find_candidates(
    session: Session, order: Order, *, at: datetime, limit: int = 50, policy: Policy | None = None
) -> list[Candidate]:
    """Who may be asked, the best first; then the nearest others, each with all that speaks against them."""
    policy = policy or current_policy()
    asked_of = {
        "lat": order.lat,
        "lon": order.lon,
        "fresh_since": at - FRESH,
        "most": min(limit, MOST),
    }
    rows = {
        row.user_id: row
        for look in (_NEAREST_ONLINE, _NEAREST)
        for row in session.execute(look, asked_of).all()
    }
    there = session.execute(_THERE, {"fresh_since": at - FRESH}).all()
    standings = find_standings(session, rows.keys() | {row.user_id for row in there}, at=at)
    usual = fairness.usual_share(standings.get(row.user_id, NOTHING) for row in there)
    (demand,) = demands_of(session, [order])
    asked = find_asked(session, [order.id], at=at)[order.id]
    found = [
        _judge(
            row,
            order,
            demand,
            standing=(standing := standings.get(row.user_id, NOTHING)),
            handicap=fairness.handicap(standing, usual),
            asked=row.user_id in asked,
            policy=policy,
            at=at,
        )
        for row in rows.values()
    ]
    return sorted(found, key=_best_first)[: min(limit, MOST)]


def list_there(session: Session, known: Standings, *, at: datetime) -> list[There]:
    """All who are online and known to be somewhere; nothing speaks against them, but that some are busy."""
    rows = session.execute(_THERE, {"fresh_since": at - FRESH}).all()
    standings = known.of(session, [row.user_id for row in rows], at=at)
    usual = fairness.usual_share(standings.values())
    there = []
    for row in rows:
        against = driver_rules.find_unready(_readiness(row), at=at)
        if driver_rules.BUSY.issuperset(against):
            handicap = fairness.handicap(standings[row.user_id], usual)
            there.append(There(row.user_id, (row.lat, row.lon), _ability(row), handicap, free=not against))
    return there


def list_abilities(session: Session, drivers: Collection[int]) -> dict[int, tuple[Ability, Point | None]]:
    """What each of these drivers can be asked for, and where they were last."""
    return {
        row.user_id: (_ability(row), None if row.lat is None else (row.lat, row.lon))
        for row in session.execute(_THOSE, {"drivers": list(drivers)})
    }


def demands_of(session: Session, orders: Sequence[Order]) -> list[Demand]:
    """What each order asks of whoever comes."""
    named = {order.vehicle_type for order in orders if order.vehicle_type is not None}
    kinds = select(VehicleType.slug, VehicleType.weight_kg).where(VehicleType.slug.in_(named))
    weights = {row.slug: row.weight_kg for row in session.execute(kinds)} if named else {}
    return [
        Demand(
            service=order.service,
            region=order.region,
            needs=frozenset(order.needs),
            seats=order.seats,
            weight_kg=weights.get(order.vehicle_type or "") or 0,
        )
        for order in orders
    ]


def find_asked(session: Session, orders: Collection[int], *, at: datetime) -> dict[int, set[int]]:
    """Of each order the drivers who are not asked for it again, or not yet."""
    asked: dict[int, set[int]] = {order: set() for order in orders}
    said = {"orders": list(orders), "lately": at - ASK_AGAIN}
    for row in session.execute(_ASKED, said):
        asked[row.order_id].add(row.driver_id)
    return asked


def find_standings(session: Session, drivers: Iterable[int], *, at: datetime) -> Mapping[int, Standing]:
    """What `fairness.standing` says of each driver's ledger; who has nothing in it is missing."""
    asked_of = {
        "drivers": list(drivers),
        "at": at,
        "since": at - WINDOW,
        "half_life_s": HALF_LIFE.total_seconds(),
    }
    return {
        row.driver_id: Standing(offers=float(row.offers), accepts=float(row.accepts), hours=float(row.hours))
        for row in session.execute(_STANDINGS, asked_of)
    }


def _judge(
    row: Row[Any],
    order: Order,
    demand: Demand,
    *,
    standing: Standing,
    handicap: float,
    asked: bool,
    policy: Policy,
    at: datetime,
) -> Candidate:
    place = None if row.lat is None else (row.lat, row.lon)
    distance_m = None
    if place is not None:
        distance_m = driver_scoring.distance_m((order.lat, order.lon), place)
    ability = _ability(row)
    return Candidate(
        driver_id=row.user_id,
        uuid=row.uuid,
        name=row.full_name,
        vehicle=None
        if row.vehicle_id is None
        else Coming(row.vehicle_id, row.vehicle_type, row.vehicle_name, row.registration),
        place=place,
        place_at=row.place_at,
        distance_m=distance_m,
        reasons=driver_rules.find_unready(_readiness(row), at=at)
        + driver_rules.find_unable(demand, ability)
        + driver_rules.find_unfit(
            distance_m=distance_m,
            asked=asked,
            is_customer=row.user_id == order.customer_id,
            reach_m=policy.reach_m,
        ),
        score=None
        if distance_m is None
        else driver_scoring.score(
            distance_m=distance_m, demand=demand, ability=ability, handicap=handicap, policy=policy
        ),
        standing=standing,
    )


def _best_first(who: Candidate) -> tuple[bool, float, int]:
    cost = float("inf") if who.score is None else who.score.distance_m if who.reasons else who.score.total_s
    return bool(who.reasons), cost, who.driver_id


def _readiness(row: Row[Any]) -> Readiness:
    return Readiness(
        online=row.online,
        place_at=row.place_at,
        is_driver=row.is_driver,
        active=row.active,
        licence_expires_on=row.licence_expires_on,
        has_app=row.has_app,
        busy=row.busy,
        offer_open=row.offer_open,
    )


def _ability(row: Row[Any]) -> Ability:
    return Ability(
        services=frozenset(row.services),
        regions=None if row.regions is None else frozenset(row.regions),
        equipment=None
        if row.vehicle_id is None
        else Equipment(
            seats=row.seats,
            payload_kg=row.payload_kg,
            lift=row.lift,
            ramp=row.ramp,
            child_seats=row.child_seats,
        ),
    )
