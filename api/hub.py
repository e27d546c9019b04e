"""The live view: one subscriber of all alert topics, whose memory and news every socket shares."""

import asyncio
import uuid
from contextlib import suppress
from datetime import datetime

import aiomqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.audience import AlertListener, Audience
from api.board import Board, Change
from broker import topics
from broker.frames import AlertFrame
from broker.settings import BrokerSettings
from broker.topics import AlertKind, AlertTopic, Service
from db.models import Incident
from db.session import Database
from db.states import IncidentState

log = structlog.get_logger()

_KEEPALIVE_S = 5
_ANSWER_WITHIN_S = 5
_RETRY_S = 1.0


class Hub:
    """Connected to the broker for as long as it runs, and again after every loss."""

    def __init__(
        self,
        settings: BrokerSettings,
        database: Database,
        audience: Audience[AlertListener],
        *,
        since: datetime,
    ) -> None:
        self.connected = False
        self.board = Board(since=since)
        self.audience = audience
        self._settings = settings
        self._database = database

    async def run(self) -> None:
        """Listen until cancelled."""
        trouble = ""
        while True:
            try:
                await self._listen()
            except aiomqtt.MqttError as error:
                if str(error) != trouble:
                    log.warning("hub has no broker", error=str(error))
                trouble = "" if self.connected else str(error)
            finally:
                self.connected = False
            await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        async with self._client() as client:
            granted = await client.subscribe(f"{topics.ALERTS}/#", qos=1)
            if any(isinstance(code, ReasonCode) and code.is_failure for code in granted):
                raise aiomqtt.MqttError("the broker does not let the api read alerts")
            self.connected = True
            log.info("hub connected", known=len(self.board.open))
            sweep = asyncio.create_task(self._find_ended(set(self.board.open)))
            try:
                async for message in client.messages:
                    self._hear(message)
            finally:
                sweep.cancel()
                with suppress(asyncio.CancelledError):
                    await sweep

    def _client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._settings.mqtt_host,
            self._settings.mqtt_port,
            username=Service.API,
            password=self._settings.password(Service.API),
            identifier=self._settings.client_id("api"),
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=_KEEPALIVE_S,
            timeout=_ANSWER_WITHIN_S,
        )

    def _hear(self, message: aiomqtt.Message) -> None:
        topic = topics.parse(str(message.topic))
        if not isinstance(topic, AlertTopic) or topic.kind is not AlertKind.SOS:
            return
        try:
            self._tell(self._take(topic, message.payload, retained=message.retain))
        except (ValidationError, ValueError) as error:
            log.error("unreadable alert", topic=str(topic), error=type(error).__name__)

    def _take(self, topic: AlertTopic, payload: object, *, retained: bool) -> Change | None:
        if not payload:
            return self.board.clear(uuid.UUID(topic.key), region=topic.region)
        if not isinstance(payload, bytes):
            raise ValueError("an alert is bytes")
        return self.board.put(AlertFrame.model_validate_json(payload), retained=retained)

    def _tell(self, change: Change | None) -> None:
        if change is None:
            return
        for listener in self.audience:
            listener.offer(change)

    async def _find_ended(self, known: set[uuid.UUID]) -> None:
        """Tell of those that ended while we were away.

        Their topics are gone, but a missing topic proves nothing: a broker may lose what it retained. The
        database knows; and it is asked after the subscription, so no end falls between.
        """
        while known:
            try:
                ended = await asyncio.to_thread(self._ended, known)
            except SQLAlchemyError as error:
                log.warning("hub cannot look up what ended", error=type(error).__name__)
                await asyncio.sleep(_RETRY_S)
                continue
            for incident, revision in ended.items():
                self._tell(self.board.end(incident, revision=revision))
            return

    def _ended(self, known: set[uuid.UUID]) -> dict[uuid.UUID, int]:
        resolved = select(Incident.id, Incident.revision).where(
            Incident.id.in_(known), Incident.state == IncidentState.RESOLVED
        )
        with self._database.transaction() as session:
            return {row.id: row.revision for row in session.execute(resolved)}
