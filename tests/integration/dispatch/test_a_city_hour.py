"""A city hour through the real verbs, on a real database, in time of its own."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from db import places, work
from db.models import Driver, LastPlace, Order, OrderOffer, Shift, Timer, User, UserRole, Vehicle
from db.session import Database
from db.states import OfferState, OrderState, Party, Role, Service
from dispatch.errors import DomainError
from dispatch.matching import driver_scoring
from dispatch.matching.driver_scoring import Policy
from dispatch.orders import moving, offers, placing, queries, reactions, rounds
from dispatch.orders.rules import ENDED
from dispatch.reacting import react
from dispatch.replay.cities import City, invent
from dispatch.replay.simulation import Day, answer_of
from tests.builders import NOON, make_user
from tests.ordering import make_tariff, wish

POLICY = Policy(window_s=20)

_LOST = text("""
    SELECT count(*) FROM orders
    WHERE state = 'offered' AND NOT EXISTS (
        SELECT FROM order_offers offer JOIN timers timer ON timer.subject = offer.uuid
        WHERE offer.order_id = orders.id AND offer.state = 'open' AND timer.status = 'waiting')
""")
"""Who is waited for, without anything that would end the waiting."""


@dataclass
class Town:
    """What everybody in it does, at the time at which they do it."""

    database: Database
    day: Day
    drivers: list[int] = field(default_factory=list)  # ids, as numbered in the day
    orders: dict[int, int] = field(default_factory=dict)  # number in the day, by id
    too_late: int = 0
    _agenda: list[tuple[float, int, Callable[[datetime], None]]] = field(default_factory=list)
    _turn: Iterator[int] = field(default_factory=count)

    def at(self, when_s: float, do: Callable[[datetime], None]) -> None:
        heapq.heappush(self._agenda, (when_s, next(self._turn), do))

    def live(self) -> None:
        """Let everything happen, and hold a round whenever its time has come, until nothing is left to do."""
        now_s = 0.0
        while self._agenda or self._waits():
            now_s += POLICY.window_s
            assert now_s < 8 * 3_600, "an order is lost"
            while self._agenda and self._agenda[0][0] <= now_s:
                when_s, _, do = heapq.heappop(self._agenda)
                do(NOON + timedelta(seconds=when_s))
            self._hold_round(NOON + timedelta(seconds=now_s), now_s)

    def _waits(self) -> bool:
        with self.database.transaction() as session:
            return bool(session.scalar(select(func.count()).where(Order.state.not_in(ENDED))))

    def _due(self, at: datetime) -> Sequence[Timer]:
        with self.database.transaction() as session:
            return work.claim(session, Timer, of_orders=True, at=at)

    def _hold_round(self, at: datetime, now_s: float) -> None:
        while due := self._due(at):
            react(self.database, due, reactions.to_timer, hold=reactions.hold, at=at)
        with self.database.transaction() as session:
            session.execute(update(LastPlace).values(at=at))  # everybody's phone says where it is
            before = session.scalar(select(func.max(OrderOffer.id))) or 0
        rounds.run(self.database, policy=POLICY, at=at)
        with self.database.transaction() as session:
            made = session.scalars(select(OrderOffer).where(OrderOffer.id > before)).all()
            assert session.scalar(_LOST) == 0
        for offer in made:
            self._answer(offer, now_s)

    def _answer(self, offer: OrderOffer, now_s: float) -> None:
        driver, order = self.drivers.index(offer.driver_id), self.orders[offer.order_id]
        answer = answer_of(self.day, order, driver)

        def say(at: datetime) -> None:
            # Whoever was silent says yes after all, when the time is over.
            wants = answer.yes or answer.silent
            was_heard = self._say(offer, yes=wants, at=at)
            assert was_heard != answer.silent, "an answer counts until the deadline, and not after it"
            if not was_heard:
                self.too_late += 1
            elif wants:
                self._drive(offer, order, at)

        self.at(now_s + answer.after_s + (1 if answer.silent else 0), say)

    def _say(self, offer: OrderOffer, *, yes: bool, at: datetime) -> bool:
        verb = offers.accept if yes else offers.decline
        try:
            with self.database.transaction() as session:
                verb(session, offer.uuid, by=offer.driver_id, via="test", at=at)
        except DomainError:
            return False
        return True

    def _drive(self, offer: OrderOffer, number: int, at: datetime) -> None:
        wanted = self.day.orders[number]
        assert offer.distance_m is not None
        arrived_s = (at - NOON).total_seconds() + driver_scoring.eta_s(offer.distance_m)
        self.at(arrived_s, lambda then: self._advance(offer, OrderState.ARRIVED, then))

        def finish(then: datetime) -> None:
            self._advance(offer, OrderState.COMPLETED, then)
            with self.database.transaction() as session:
                lat, lon = wanted.ends_at
                places.move(session, offer.driver_id, lat=lat, lon=lon, at=then)

        self.at(arrived_s + wanted.busy_s, finish)

    def _advance(self, offer: OrderOffer, wanted: OrderState, at: datetime) -> None:
        with self.database.transaction() as session:
            order = queries.lock_order(session, Order.id == offer.order_id)
            moving.advance(session, order, wanted, party=Party.DRIVER, by=offer.driver_id, at=at)


def settled(database: Database, day: Day) -> Town:
    """The drivers of the day at work, and its customers about to call."""
    town = Town(database, day)
    for service in Service:
        make_tariff(database, service)
    with database.transaction() as session:
        town.drivers = [_driver(session, number, day) for number in range(len(day.drivers))]
    customer = make_user(database)
    for number, order in enumerate(day.orders):

        def call(at: datetime, number: int = number) -> None:
            wanted = day.orders[number]
            (lat, lon), (to_lat, to_lon) = wanted.place, wanted.ends_at
            asked = wish(
                Service(wanted.demand.service), lat=lat, lon=lon, dropoff_lat=to_lat, dropoff_lon=to_lon,
                needs=tuple(wanted.demand.needs),
            )  # fmt: skip
            with database.transaction() as session:
                made = placing.place(session, asked, customer_id=customer.id, via="test", at=at)
            town.orders[made.id] = number

        town.at(order.at_s, call)
    return town


def _driver(session: Session, number: int, day: Day) -> int:
    who = day.drivers[number]
    user = User(
        phone=f"+99893{number:07d}", full_name=f"Driver {number}", granted=[UserRole(role=Role.DRIVER)]
    )
    session.add(user)
    session.flush()
    session.add(Driver(user_id=user.id, services=sorted(who.ability.services), online=True))
    session.flush()
    assert who.ability.equipment is not None
    session.add(Vehicle(driver_id=user.id, type="car", ramp=who.ability.equipment.ramp))
    session.add(Shift(driver_id=user.id, started_at=NOON))
    places.move(session, user.id, lat=who.place[0], lon=who.place[1], at=NOON)
    return user.id


@pytest.mark.timeout(600)
def test_no_order_is_lost_no_driver_has_two_and_no_offer_is_accepted_after_its_deadline(
    database: Database,
) -> None:
    day = invent(City(drivers=200, orders=400), seed=11)
    town = settled(database, day)
    town.live()
    with database.transaction() as session:
        orders = session.scalars(select(Order)).all()
        accepted = session.scalars(select(OrderOffer).where(OrderOffer.state == OfferState.ACCEPTED)).all()
        still_open = session.scalar(select(func.count()).where(OrderOffer.state == OfferState.OPEN))
    assert len(orders) == 400
    assert {order.state for order in orders} == {OrderState.COMPLETED}
    assert still_open == 0
    assert len(accepted) == 400
    assert all(offer.answered_at is not None and offer.answered_at < offer.until_at for offer in accepted)
    assert town.too_late > 5, "some came too late, and were told so"

    taken: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for order in orders:
        assert order.driver_id is not None
        assert order.accepted_at is not None
        assert order.ended_at is not None
        taken[order.driver_id].append((order.accepted_at, order.ended_at))
    for times in taken.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(times)))
