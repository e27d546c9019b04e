"""Rides, drivers and passengers as invo writes them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, AwareDatetime, BeforeValidator, Field, StringConstraints

from api.dialects.invo import words
from api.dialects.orders import customer_name, customer_phone, driver_name, driver_phone, major, spot
from api.fleet.service import InPerson
from api.helpers.schemas import Latitude, Longitude
from api.orders.rights import Side
from api.schemas import Answer, Documented, Storable
from db.models import LastPlace, Order, Passenger, User, Vehicle
from db.states import Need, OrderState, Role, Service
from dispatch.orders import rules
from dispatch.orders.wishes import MOST_SEATS, Wish

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), Storable]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), Storable]
Status = Annotated[
    OrderState,
    BeforeValidator(words.read_status, json_schema_input_type=str),
    Field(examples=["driver_en_route"]),
]

FIELDS = {
    "dropoff": "dropoff_lat",
    "seats": "seats_needed",
    "scheduled_at": "desired_pickup_time",
    "vehicle_type": "vehicle_type",
}
"""What is wrong with a wish, by the names of this contract."""


class InvoOrderIn(Documented):
    """A ride; what the passenger's profile says they cannot ride without is asked for with it."""

    pickup_title: Title
    dropoff_title: Title
    pickup_lat: Latitude
    pickup_lon: Longitude
    dropoff_lat: Latitude
    dropoff_lon: Longitude
    desired_pickup_time: AwareDatetime | None = None
    has_companion: bool = False
    note: Text = ""
    seats_needed: Annotated[int | None, Field(ge=1, le=MOST_SEATS)] = None

    def wish(self, said: Passenger | None) -> Wish:
        """As the verbs take it."""
        return Wish(
            service=Service.RIDE,
            lat=self.pickup_lat,
            lon=self.pickup_lon,
            address=self.pickup_title,
            dropoff_lat=self.dropoff_lat,
            dropoff_lon=self.dropoff_lon,
            dropoff_address=self.dropoff_title,
            needs=tuple(Need(need) for need in said.needs) if said else (),
            seats=self.seats_needed or (2 if self.has_companion else 1),
            notes=self.note,
            scheduled_at=self.desired_pickup_time,
        )


class InvoStatus(Documented):
    """Where an order is from now on, and why."""

    status: Status
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), Storable] | None = None


class InvoPlace(Documented):
    """Where a driver is."""

    lat: Latitude
    lon: Annotated[Longitude, Field(validation_alias=AliasChoices("lon", "lng"))]


class InvoOnline(Documented):
    """Whether a driver may be asked."""

    is_online: bool


class Coordinate(Answer):
    lat: float
    lon: float


class InvoUserOut(Answer):
    """An account."""

    id: int
    username: str
    phone: str | None
    role: str

    @classmethod
    def of(cls, user: User) -> "InvoUserOut":
        """As its owner and the desk see it; `granted` must be loaded."""
        held = {each.role for each in user.granted}
        desk = held & {Role.ADMIN, Role.DISPATCHER}
        role = "dispatcher" if desk else "driver" if Role.DRIVER in held else "passenger"
        return cls(id=user.id, username=f"user_{user.id}", phone=user.phone, role=role)


class InvoPassengerOut(Answer):
    """A passenger; the category is theirs to know, and the desk's."""

    id: int
    user: InvoUserOut
    full_name: str
    disability_category: str | None
    allowed_companion: bool
    needs: list[str]

    @classmethod
    def of(cls, user: User, said: Passenger | None) -> "InvoPassengerOut":
        """Who said nothing yet needs nothing."""
        return cls(
            id=user.id,
            user=InvoUserOut.of(user),
            full_name=user.full_name,
            disability_category=(said.category or None) if said else None,
            allowed_companion=said.companion if said else False,
            needs=said.needs if said else [],
        )


class InvoRiderOut(Answer):
    """The passenger of an order, or whoever is to be picked up; to a driver by first name."""

    id: int
    full_name: str
    phone: str | None


class InvoDriverOut(Answer):
    """A driver; the telephone number is for those who have to find them."""

    id: int
    name: str
    phone: str | None
    car_model: str | None
    plate_number: str | None
    capacity: int | None
    is_online: bool
    status: str
    current_lat: float | None
    current_lon: float | None
    current_position: Coordinate | None
    last_location_update: datetime | None

    @classmethod
    def of(cls, person: InPerson, *, whole: bool) -> "InvoDriverOut":
        """As they stand; not `whole`, by first name and without a number."""
        user, place = person.user, person.place
        online = bool(person.driver and person.driver.online)
        return cls(
            id=user.id,
            name=user.full_name if whole else user.first_name or "",
            phone=user.phone if whole else None,
            **_car(person.vehicle),
            is_online=online,
            status="on_order" if person.order_id else "online_idle" if online else "offline",
            **_where(place),
        )


class InvoComing(Answer):
    """The driver of an order, and the car."""

    id: int
    name: str
    phone: str | None
    car_model: str | None
    plate_number: str | None
    capacity: int | None


class InvoOrderOut(Answer):
    """A ride as its passenger, its driver or a desk sees it; a driver who is only asked sees about where."""

    id: int
    status: str
    passenger: InvoRiderOut | None
    driver: InvoComing | None
    pickup_title: str
    dropoff_title: str
    pickup_lat: float
    pickup_lon: float
    dropoff_lat: float | None
    dropoff_lon: float | None
    pickup_coordinate: Coordinate
    dropoff_coordinate: Coordinate | None
    desired_pickup_time: datetime | None
    has_companion: bool
    seats_needed: int
    needs: list[str]
    note: str
    region_id: str
    created_at: datetime
    assigned_at: datetime | None
    arrived_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    reason: str | None
    distance_km: float
    currency: str
    estimated_price: float
    final_price: float | None

    @classmethod
    def of(cls, order: Order, side: Side) -> "InvoOrderOut":
        """From one side; its people must be loaded."""
        ended = order.state in rules.ENDED
        done = order.state is OrderState.COMPLETED
        return cls(
            id=order.id,
            status=words.STATUS[order.state],
            **_people(order, side),
            **_places(order, side),
            desired_pickup_time=order.scheduled_at,
            has_companion=order.seats > 1,
            seats_needed=order.seats,
            needs=order.needs,
            region_id=order.region,
            created_at=order.requested_at,
            assigned_at=order.accepted_at,
            arrived_at=order.arrived_at,
            started_at=order.started_at,
            completed_at=order.ended_at if done else None,
            cancelled_at=order.ended_at if ended and not done else None,
            reason=order.why,
            distance_km=round(order.distance_m / 1000, 2),
            currency=order.currency,
            estimated_price=major(order.quote["total"], order.currency),
            final_price=major(order.price, order.currency) if ended else None,
        )


def _people(order: Order, side: Side) -> dict[str, Any]:
    if side is Side.ASKED:
        return {"passenger": None, "driver": None}
    driver, coming = order.driven_by, None
    if driver is not None:
        coming = InvoComing(
            id=driver.id,
            name=driver_name(driver, side),
            phone=driver_phone(order, side),
            **_car(order.coming),
        )
    rider = InvoRiderOut(
        id=order.customer_id,
        full_name=customer_name(order, side),
        phone=customer_phone(order, side),
    )
    return {"passenger": rider, "driver": coming}


def _places(order: Order, side: Side) -> dict[str, Any]:
    asked = side is Side.ASKED
    pickup = _coordinate(order.lat, order.lon, side)
    dropoff = None
    if order.dropoff_lat is not None and order.dropoff_lon is not None:
        dropoff = _coordinate(order.dropoff_lat, order.dropoff_lon, side)
    return {
        "pickup_title": "" if asked else order.address,
        "dropoff_title": "" if asked else order.dropoff_address,
        "pickup_lat": pickup.lat,
        "pickup_lon": pickup.lon,
        "dropoff_lat": dropoff.lat if dropoff else None,
        "dropoff_lon": dropoff.lon if dropoff else None,
        "pickup_coordinate": pickup,
        "dropoff_coordinate": dropoff,
        "note": "" if asked else order.notes,
    }


def _coordinate(lat: float, lon: float, side: Side) -> Coordinate:
    lat, lon = spot(lat, lon, side)
    return Coordinate(lat=lat, lon=lon)


def _car(vehicle: Vehicle | None) -> dict[str, Any]:
    if vehicle is None:
        return {"car_model": None, "plate_number": None, "capacity": None}
    return {
        "car_model": vehicle.name or vehicle.type,
        "plate_number": vehicle.registration,
        "capacity": vehicle.seats,
    }


def _where(place: LastPlace | None) -> dict[str, Any]:
    return {
        "current_lat": place.lat if place else None,
        "current_lon": place.lon if place else None,
        "current_position": Coordinate(lat=place.lat, lon=place.lon) if place else None,
        "last_location_update": place.at if place else None,
    }
