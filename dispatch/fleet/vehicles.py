"""What drivers come with; a vehicle that is given up stays with the orders it was driven to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.models import Order, Shift, Vehicle
from dispatch.errors import Conflict, NotFound
from dispatch.fleet import shifts
from dispatch.orders.rules import TAKEN


@dataclass(frozen=True, slots=True)
class Draft:
    """All that is said of a vehicle."""

    type: str
    registration: str | None = None
    name: str = ""
    seats: int | None = None
    payload_kg: int | None = None
    lift: bool = False
    ramp: bool = False
    child_seats: int = 0


class InUse(Conflict):
    """Somebody is out with it."""

    code = "vehicle_in_use"


def add(session: Session, driver_id: int, draft: Draft) -> Vehicle:
    """One more vehicle; the next shift begins with it unless another is named."""
    shifts.lock_driver(session, driver_id)
    vehicle = Vehicle(driver_id=driver_id, **asdict(draft))
    session.add(vehicle)
    session.flush()
    return vehicle


def change(session: Session, driver_id: int, vehicle_id: int, draft: Draft) -> Vehicle:
    """Say all of a vehicle anew."""
    vehicle = _lock(session, driver_id, vehicle_id)
    for name, said in asdict(draft).items():
        setattr(vehicle, name, said)
    session.flush()
    return vehicle


def retire(session: Session, driver_id: int, vehicle_id: int, *, at: datetime) -> None:
    """Come with it no more; InUse while a shift or an order goes on with it."""
    vehicle = _lock(session, driver_id, vehicle_id)
    on_shift = select(Shift.id).where(Shift.vehicle_id == vehicle_id, Shift.ended_at.is_(None))
    if session.scalar(select(on_shift.exists())):
        raise InUse("you are on a shift with this vehicle; end the shift, or go on with another vehicle")
    on_order = select(Order.id).where(
        Order.driver_id == driver_id, Order.vehicle_id == vehicle_id, Order.state.in_(TAKEN)
    )
    if session.scalar(select(on_order.exists())):
        raise InUse("you have an order with this vehicle; complete it first")
    vehicle.retired_at = at
    session.flush()


def list_vehicles(session: Session, driver_id: int) -> Sequence[Vehicle]:
    """Those that are not retired, the newest last."""
    kept = select(Vehicle).where(Vehicle.driver_id == driver_id, Vehicle.retired_at.is_(None))
    return session.scalars(kept.order_by(Vehicle.id)).all()


def get_vehicle(session: Session, driver_id: int, vehicle_id: int) -> Vehicle:
    """One of a driver's vehicles."""
    return _found(session.scalar(select(Vehicle).where(*_own(driver_id, vehicle_id))), vehicle_id)


def _lock(session: Session, driver_id: int, vehicle_id: int) -> Vehicle:
    # Shifts hold the driver as well: a vehicle is never given up while a shift begins with it.
    shifts.lock_driver(session, driver_id)
    held = select(Vehicle).where(*_own(driver_id, vehicle_id)).with_for_update(of=Vehicle, key_share=True)
    return _found(session.scalar(held, execution_options={"populate_existing": True}), vehicle_id)


def _own(driver_id: int, vehicle_id: int) -> tuple[ColumnElement[bool], ...]:
    return Vehicle.id == vehicle_id, Vehicle.driver_id == driver_id, Vehicle.retired_at.is_(None)


def _found(vehicle: Vehicle | None, vehicle_id: int) -> Vehicle:
    if vehicle is None:
        raise NotFound(f"you have no vehicle {vehicle_id}")
    return vehicle
