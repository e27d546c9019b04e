"""Registration in depannini's words."""

from datetime import datetime

from sqlalchemy.orm import Session

from api.accounts import service
from api.dialects.depannini import words
from api.dialects.depannini.entry_schemas import AssistantRegistration, ClientRegistration
from api.fleet import service as fleet
from api.refusals import WrongField
from db import places
from db.models import User
from db.states import Role
from dispatch.fleet.profiles import Licence


def register(session: Session, body: ClientRegistration, *, at: datetime) -> User:
    """Create an account, with a driver's profile for an assistant: all of it, or nothing."""
    assistant = body if isinstance(body, AssistantRegistration) else None
    if assistant and assistant.driving_license_expiry <= at.date():
        raise WrongField("driving_license_expiry", "must be in the future")
    user = service.register_user(
        session,
        phone=body.phone_number,
        email=body.email,
        password=body.password,
        full_name=body.name,
        address=body.address or "",
        roles=[Role.DRIVER if assistant else Role.CUSTOMER],
    )
    if assistant:
        _enrol(session, user.id, assistant)
    if body.current_lat is not None and body.current_lng is not None:
        places.move(session, user.id, lat=body.current_lat, lon=body.current_lng, at=at)
    return user


def _enrol(session: Session, user_id: int, body: AssistantRegistration) -> None:
    fleet.enrol_driver(
        session,
        user_id,
        services=[words.SERVICES[body.service_type]],
        licence=Licence(body.driving_license_cat, body.driving_license_num, body.driving_license_expiry),
        vehicle_type=body.vehicle_type,
        registration=str(body.vehicle_registration_num),
    )
