"""The application: what it is made of, and what lives as long as it does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline

from api import errors, idempotency
from api.access_log import AccessLog
from api.accounts.certificates import KeptCertificates
from api.accounts.google import Google
from api.accounts.routes import router as accounts
from api.accounts.second_factor_routes import router as second_factors
from api.accounts.session_routes import router as login_sessions
from api.accounts.tokens import Signer
from api.accounts.tries import Tries
from api.audience import AlertListener, Audience
from api.body_limit import BodyLimit
from api.codes.routes import router as codes
from api.devices import bulk
from api.devices.bulk_routes import router as many_devices
from api.devices.command_routes import router as device_commands
from api.devices.login_routes import router as device_logins
from api.devices.routes import router as devices
from api.dialects.catalyst.routes import router as catalyst
from api.dialects.depannini.assistance_routes import router as depannini_assistance
from api.dialects.depannini.entry_routes import router as depannini_entry
from api.dialects.depannini.routes import router as depannini
from api.dialects.depannini.sockets import router as depannini_sockets
from api.dialects.evacuator.fleet_routes import router as evacuator_fleet
from api.dialects.evacuator.routes import router as evacuator
from api.dialects.evacuator.sockets import router as evacuator_sockets
from api.dialects.invo.order_routes import router as invo_orders
from api.dialects.invo.people_routes import router as invo_people
from api.dialects.invo.routes import router as invo
from api.dialects.invo.sockets import router as invo_sockets
from api.escalation.duties import router as duties
from api.escalation.policies import router as policies
from api.fleet.routes import router as fleet
from api.geofences.routes import router as geofences
from api.guardians.routes import router as contacts
from api.helpers.routes import router as helpers
from api.helpers.sms_hook import router as sms_hook
from api.hub import Hub
from api.live.routes import router as live
from api.messages.hooks import router as sms_hooks
from api.messages.routes import router as messages
from api.orders.chat_routes import router as order_chat
from api.orders.dispatch_routes import router as order_dispatch
from api.orders.link_routes import router as order_links
from api.orders.offer_routes import router as offers
from api.orders.photo_routes import router as order_photos
from api.orders.routes import router as orders
from api.orders.tariff_routes import router as tariffs
from api.orders.watching import Onlookers
from api.orders.work_routes import router as order_work
from api.pace import Pace
from api.passengers.routes import router as passengers
from api.people.audit_routes import router as audit
from api.people.desk_routes import router as desks
from api.people.phone_routes import router as own_phone
from api.people.pictures import MOST_BYTES as MOST_PHOTO_BYTES
from api.people.profile_routes import PHOTO
from api.people.profile_routes import router as profile
from api.people.routes import router as people
from api.proof.routes import MOST_BYTES as MOST_EXPORT_BYTES
from api.proof.routes import router as proof
from api.quarantine.routes import router as quarantine
from api.regions.routes import listed as listed_regions
from api.regions.routes import router as regions
from api.settings import ApiSettings
from api.sos.desk_routes import router as desk_work
from api.sos.pin_routes import router as pins
from api.sos.routes import router as sos
from api.sos.socket import router as sos_socket
from api.statistics.routes import router as statistics
from api.system.canary import router as canary
from api.system.routes import router as system
from api.track.routes import router as track
from api.webhooks.routes import router as webhooks
from db.session import Database

log = structlog.get_logger()

MAX_BODY_BYTES = 64 * 1024
LARGER_BODY_BYTES = {
    f"/api/v1{PHOTO}": MOST_PHOTO_BYTES,
    "/api/v1/orders/": MOST_PHOTO_BYTES,
    "/api/v1/devices/bulk/": bulk.MOST_BYTES,
    "/api/v1/regions/": 4 * 1024 * 1024,
    "/api/v1/incidents/exports/": MOST_EXPORT_BYTES,
}
"""Photos, tables, maps and exports need more, by the beginning of their paths."""
_BEAT_S = 2.0
_RIGHTS_S = 3.0

Beat = Callable[[], None]


def create_app(
    settings: ApiSettings | None = None, *, database: Database | None = None, beat: Beat = lambda: None
) -> FastAPI:
    """The API; `beat` is called for as long as it really works."""
    settings = settings or ApiSettings()
    app = FastAPIOffline(
        title="Mayday",
        summary="Carries a call for help from a wrist or a phone to the person who can help.",
        version="0.1.0",
        redoc_url=None,
        lifespan=_lifespan,
        strict_content_type=False,
    )
    furnish(app, settings, database or Database(name="api"), beat)
    errors.install(app)
    idempotency.install(app)
    app.add_middleware(BodyLimit, most_bytes=MAX_BODY_BYTES, larger=LARGER_BODY_BYTES)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=sorted(settings.api_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", idempotency.KEY],
        expose_headers=["Retry-After", idempotency.REPLAYED],
    )
    app.add_middleware(AccessLog)  # the last is the outermost
    app.include_router(system)
    for sockets in (sos_socket, evacuator_sockets, invo_sockets, depannini_sockets):
        app.include_router(sockets)
    app.include_router(live, responses=errors.DOCUMENTED)
    app.include_router(track, responses=errors.DOCUMENTED)
    app.include_router(listed_regions, responses=errors.DOCUMENTED)
    app.include_router(_version_1())
    app.include_router(_other_contracts())
    return app


def furnish(app: FastAPI, settings: ApiSettings, database: Database, beat: Beat = lambda: None) -> None:
    """Give the routes what they work with; what they were given before is forgotten."""
    audience = Audience[AlertListener]()
    app.state.settings = settings
    app.state.database = database
    app.state.audience = audience
    app.state.onlookers = Onlookers(database)
    app.state.hub = Hub(settings, database, audience, since=datetime.now(UTC))
    app.state.signer = Signer(settings.derive("jwt"))
    app.state.tries = Tries(database)
    app.state.claim_tries = Tries(database, "to claim a device")
    app.state.google = Google(settings.google_client_ids, KeptCertificates())
    app.state.link_pace = Pace()
    app.state.beat = beat


def _version_1() -> APIRouter:
    version_1 = APIRouter(prefix="/api/v1", responses=errors.DOCUMENTED)
    for router in (
        accounts,
        evacuator,
        codes,
        second_factors,
        login_sessions,
        profile,
        own_phone,
        people,
        desks,
        audit,
        many_devices,
        device_logins,
        device_commands,
        devices,
        proof,
        sos,
        desk_work,
        pins,
        statistics,
        quarantine,
        regions,
        geofences,
        messages,
        sms_hooks,
        webhooks,
        helpers,
        sms_hook,
        fleet,
        passengers,
        evacuator_fleet,
        policies,
        duties,
        contacts,
        order_chat,
        order_links,
        canary,
        offers,
        orders,
        order_work,
        order_photos,
        tariffs,
    ):
        version_1.include_router(router)
    return version_1


def _other_contracts() -> APIRouter:
    contracts = APIRouter(prefix="/api", responses=errors.DOCUMENTED)
    for router in (
        depannini_entry,
        depannini,
        depannini_assistance,
        catalyst,
        invo,
        invo_orders,
        invo_people,
        order_dispatch,
    ):
        contracts.include_router(router)
    return contracts


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state = app.state
    work = {
        asyncio.create_task(state.hub.run(), name="hub"),
        asyncio.create_task(state.audience.keep_rights(state.database, every_s=_RIGHTS_S), name="rights"),
        asyncio.create_task(state.onlookers.run(), name="onlookers"),
        asyncio.create_task(
            state.onlookers.keep_rights(state.database, every_s=_RIGHTS_S), name="onlookers' rights"
        ),
    }
    beating = asyncio.create_task(_beat_while(work, state.beat))
    try:
        yield
    finally:
        for task in (*work, beating):
            task.cancel()
        await asyncio.gather(*work, beating, return_exceptions=True)
        state.database.close()


async def _beat_while(work: set[asyncio.Task[None]], beat: Beat) -> None:
    """Beat while all the work goes on; when a part of it died, fall silent, so that we are started anew."""
    while not any(task.done() for task in work):
        beat()
        await asyncio.sleep(_BEAT_S)
    for task in work:
        if task.done() and not task.cancelled() and (error := task.exception()):
            log.critical("a part of the api died", part=task.get_name(), exc_info=error)
