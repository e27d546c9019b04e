"""Random histories of orders, with a clock of their own, against what must hold in each of them."""

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from db.models import Order, OrderOffer, Timer
from db.session import Database
from db.states import OfferState, OrderState, Party, WorkStatus
from dispatch.errors import DomainError
from dispatch.orders import assigning, cancelling, moving, offers, queries, rules, withdrawing
from tests.asking import make_offer, settle
from tests.builders import NOON, make_user
from tests.conftest import empty
from tests.ordering import drive, make_driver, make_tariff, place_order

S = OrderState
SECOND = timedelta(seconds=1)


class History:
    """Three drivers, two orders at the same time, a desk, and what has to hold after whatever they do."""

    def __init__(self, database: Database) -> None:
        empty(database)
        self.database, self.at = database, NOON
        make_tariff(database)
        self.drivers = [make_driver(database) for _ in range(3)]
        self.customer, self.desk = make_user(database), make_user(database)
        self.orders = [place_order(database, self.customer, at_once=2) for _ in range(2)]

    def ask(self, which: int, who: int) -> None:
        """A round asks a driver."""
        order = self._now(which)
        if order.state in rules.WAITING:
            make_offer(self.database, order, self.drivers[who], at=self.at)

    def nobody_is_left(self, which: int) -> None:
        """A round finds nobody for an order of which nobody is asked."""
        if self._now(which).state == S.REQUESTED:
            self._move(which, S.UNASSIGNED, Party.HOUSE)

    def accept(self, which: int, who: int) -> None:
        with self.database.transaction() as session:
            offer = offers.find_offer(session, self.orders[which].id, self.drivers[who].id)
            offers.accept(session, offer, by=self.drivers[who].id, via="http", at=self.at)

    def decline(self, which: int, who: int) -> None:
        with self.database.transaction() as session:
            offer = offers.find_offer(session, self.orders[which].id, self.drivers[who].id)
            offers.decline(session, offer, by=self.drivers[who].id, via="http", at=self.at)

    def assign(self, which: int, who: int) -> None:
        with self.database.transaction() as session:
            wanted = queries.by_id(self.orders[which].id)
            assigning.assign(session, wanted, self.drivers[who].id, by=self.desk.id, at=self.at)

    def go_on(self, which: int) -> None:
        """The driver does the next thing on the way."""
        order = self._now(which)
        if order.state in rules.TAKEN:
            self._move(which, rules.WAY[rules.WAY.index(order.state) + 1], Party.DRIVER)

    def take_away(self, which: int) -> None:
        with self.database.transaction() as session:
            order = queries.lock_order(session, queries.by_id(self.orders[which].id))
            moving.release(session, order, party=Party.DISPATCHER, by=self.desk.id, at=self.at, why="late")

    def cancel(self, which: int) -> None:
        with self.database.transaction() as session:
            order = queries.lock_order(session, queries.by_id(self.orders[which].id))
            cancelling.cancel(session, order, party=Party.CUSTOMER, by=self.customer.id, at=self.at, why=None)

    def order_again(self, which: int) -> None:
        """Who has an end has another wish."""
        if self._now(which).state in rules.ENDED:
            self.orders[which] = place_order(self.database, self.customer, at=self.at, at_once=2)

    def is_seen(self, who: int) -> None:
        drive(self.database, self.drivers[who], 250.0, at=self.at)

    def time_passes(self, seconds: int) -> None:
        self.at += seconds * SECOND

    def the_house_works(self) -> None:
        settle(self.database, self.at)

    def _now(self, which: int) -> Order:
        with self.database.transaction() as session:
            return session.get_one(Order, self.orders[which].id)

    def _move(self, which: int, wanted: OrderState, party: Party) -> None:
        with self.database.transaction() as session:
            order = queries.lock_order(session, queries.by_id(self.orders[which].id))
            moving.move(session, order, wanted, party=party, by=order.driver_id, at=self.at)

    def check(self) -> None:
        """What holds whatever happened."""
        with self.database.transaction() as session:
            open_of = {
                order: set(offered)
                for order, offered in session.execute(
                    select(OrderOffer.order_id, func.array_agg(OrderOffer.uuid))
                    .where(OrderOffer.state == OfferState.OPEN)
                    .group_by(OrderOffer.order_id)
                )
            }
            waits = select(Timer.subject).where(
                Timer.kind == withdrawing.TIMER, Timer.status == WorkStatus.WAITING
            )
            timers = session.scalars(waits).all()
            orders = session.scalars(select(Order)).all()
            given = session.execute(
                select(OrderOffer.order_id, OrderOffer.driver_id).where(
                    OrderOffer.state == OfferState.ACCEPTED
                )
            )
            taken = {tuple(row) for row in given}
            too_late = session.scalars(
                select(OrderOffer.id).where(
                    OrderOffer.state == OfferState.ACCEPTED,
                    OrderOffer.answered_via != assigning.VIA,
                    OrderOffer.answered_at >= OrderOffer.until_at,
                )
            ).all()
        # Every open offer has its deadline, and only these have one.
        assert sorted(timers) == sorted(offer for offered in open_of.values() for offer in offered)
        for order in orders:
            # An order is offered as long as somebody is asked; any other that waits is seen by each round.
            assert (order.state == S.OFFERED) == (order.id in open_of), order.state
            assert (order.driver_id is not None) <= ((order.id, order.driver_id) in taken)
            assert (order.state in rules.TAKEN) <= (order.driver_id is not None)
            assert (order.state in rules.WAITING) <= (order.driver_id is None)
            assert (order.state == S.UNASSIGNED) <= (order.unassigned_at is not None)
        busy = [order.driver_id for order in orders if order.state in rules.TAKEN]
        assert len(busy) == len(set(busy))
        assert too_late == []

    def come_to_rest(self) -> None:
        """Left alone for long enough, nobody is waited for, and who is silent has no order to come to."""
        for _ in range(3):
            self.at += rules.SILENT + rules.SIGN_WITHIN
            settle(self.database, self.at)
        self.check()
        with self.database.transaction() as session:
            states: Collection[OrderState] = session.scalars(select(Order.state)).all()
        assert not {S.OFFERED, S.ACCEPTED, S.EN_ROUTE}.intersection(states)


Act = Callable[[History], None]


def _act(verb: Callable[..., None], **how: st.SearchStrategy[Any]) -> st.SearchStrategy[Act]:
    def bind(said: dict[str, Any]) -> Act:
        return partial(verb, **said)

    return st.fixed_dictionaries(how).map(bind)


_order, _driver = st.integers(0, 1), st.integers(0, 2)
ACTS = [
    *[_act(History.ask, which=_order, who=_driver)] * 5,
    *[_act(History.accept, which=_order, who=_driver)] * 4,
    *[_act(History.decline, which=_order, who=_driver)] * 2,
    *[_act(History.go_on, which=_order)] * 2,
    _act(History.nobody_is_left, which=_order),
    _act(History.assign, which=_order, who=_driver),
    _act(History.take_away, which=_order),
    _act(History.cancel, which=_order),
    *[_act(History.order_again, which=_order)] * 2,
    _act(History.is_seen, who=_driver),
    *[_act(History.time_passes, seconds=st.sampled_from([1, 10, 29, 31, 61, 181]))] * 2,
    *[_act(History.the_house_works)] * 3,
]
"""What may happen; what is listed more often happens more often."""


@pytest.mark.timeout(300)
# A history that fails is told as it was: to shorten it would take longer than to read it.
@settings(max_examples=15, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(acts=st.lists(st.one_of(ACTS), min_size=30, max_size=60))
def test_in_any_history_no_order_is_lost_and_no_driver_has_two(database: Database, acts: list[Act]) -> None:
    history = History(database)
    for act in acts:
        with suppress(DomainError):
            act(history)
        history.check()
    history.come_to_rest()
