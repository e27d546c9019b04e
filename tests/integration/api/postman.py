"""What people would be told, before it is told."""

from typing import Any

from sqlalchemy import select

from api.codes.service import Keys
from api.settings import ApiSettings
from db.models import Notification
from db.session import Database


class Postman:
    """Reads what the notifier would send."""

    def __init__(self, database: Database, settings: ApiSettings) -> None:
        self._database = database
        self._seal = Keys.of(settings).seal

    def letters(self, channel: str | None = None) -> list[dict[str, Any]]:
        chosen = select(Notification.payload).order_by(Notification.id)
        if channel:
            chosen = chosen.where(Notification.kind == channel)
        with self._database.transaction() as session:
            return [self._seal.open(payload["sealed"]) for payload in session.scalars(chosen)]

    def code(self, channel: str | None = None) -> str:
        """The code that was sent last."""
        code: str = self.letters(channel)[-1]["values"]["code"]
        return code
