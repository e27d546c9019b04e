"""The live message, word for word as it is documented."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from api.board import Change, News
from api.sos.socket import render
from api.sos.words import detected_type
from broker.frames import AlertFrame, SosFrame, SosType

INCIDENT = uuid.UUID("0b8cf0a5-3f3c-4a1e-9f0e-6a4f1d7b2c11")


def alert(**said: Any) -> AlertFrame:
    return AlertFrame(
        **{
            "incident": INCIDENT,
            "revision": 1,
            "state": "active",
            "type": "fall",
            "sev": 4,
            "region": "default",
            "uid": "watch_unique_serial_001",
            "phone": "+998901234567",
            "lat": 41.311081,
            "lon": 69.240562,
            "device_at": datetime(2025, 10, 28, 12, tzinfo=UTC),
            "opened_at": datetime(2025, 10, 28, 12, 0, 1, tzinfo=UTC),
        }
        | said
    )


def message(change: Change) -> dict[str, Any]:
    text = render(change)
    assert text is not None
    said: dict[str, Any] = json.loads(text)
    return said


def test_a_new_incident_is_told_as_the_contract_writes_it() -> None:
    assert message(Change(News.OPENED, alert())) == {
        "type": "sos_event",
        "payload": {
            "event_uid": str(INCIDENT),
            "timestamp": "2025-10-28T12:00:00Z",
            "resolved": False,
            "detected_type": "FALL_DETECTED",
            "severity": 4,
            "device_uid": "watch_unique_serial_001",
            "user_phone": "+998901234567",
            "lat": 41.311081,
            "lon": 69.240562,
        },
    }


def test_its_end_is_told_with_resolved() -> None:
    assert message(Change(News.ENDED, alert()))["payload"]["resolved"] is True


def test_other_changes_are_not_told() -> None:
    assert render(Change(News.CHANGED, alert())) is None


@pytest.mark.parametrize("news", News)
def test_a_call_that_nobody_made_is_never_told(news: News) -> None:
    assert render(Change(news, alert(canary=True, exercise=True))) is None


def test_an_incident_whose_device_has_no_clock_bears_the_time_it_opened() -> None:
    assert (
        message(Change(News.OPENED, alert(device_at=None)))["payload"]["timestamp"] == "2025-10-28T12:00:01Z"
    )


@pytest.mark.parametrize("type_", list(SosType))
def test_every_word_we_tell_is_read_back_as_the_same_type(type_: SosType) -> None:
    assert SosFrame.model_validate({"id": "1", "detected_type": detected_type(type_)}).type == type_


def test_a_word_of_the_devices_own_is_handed_on() -> None:
    assert detected_type("drowning") == "DROWNING"
