"""Asking a device to do something, and hearing that it did."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db import notifications
from db.models import Device, DeviceCommand, DeviceConfig
from db.states import CommandKind
from dispatch.sos import moving

VALID = timedelta(minutes=5)
"""How long a command is good for, unless whoever asks says otherwise."""

PROFILE = ("rest_s", "move_s", "alarm_s", "batch")


def ask(
    session: Session,
    device_id: int,
    *,
    do: CommandKind,
    by: int | None,
    at: datetime,
    every_s: int | None = None,
    span_s: int | None = None,
    text: str | None = None,
    valid: timedelta = VALID,
) -> DeviceCommand:
    """Have a device told to do something; it may be told twice and does it once, by the id.

    What it has not been told by the end of that time, it is not told any more.
    """
    command = DeviceCommand(
        device_id=device_id,
        do=do,
        every_s=every_s,
        span_s=span_s,
        text=text,
        asked_by_id=by,
        asked_at=at,
        expires_at=at + valid,
    )
    session.add(command)
    session.flush()
    notifications.request(session, "cmd", command.uuid, at=at)
    if by is not None:
        moving.heard_from(session, device_id, by=by, at=at)
    return command


def settle(
    session: Session, device_id: int, frame_id: str, *, ok: bool, why: str | None, at: datetime
) -> bool:
    """Close a command with its first reply, however late; False when nothing was asked under this id."""
    number = frame_id.removeprefix("c")
    if number == frame_id or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        return False
    command = session.scalar(
        select(DeviceCommand)
        .where(DeviceCommand.id == int(number), DeviceCommand.device_id == device_id)
        .with_for_update()
    )
    if command is None:
        return False
    if command.replied_at is None:
        command.replied_at, command.ok, command.why = at, ok, why
        session.flush()
    return True


def configure(session: Session, device: Device, *, at: datetime, **profile: int | None) -> DeviceConfig:
    """How a device is to report from now on; said again, it is the same version."""
    config = session.get(DeviceConfig, device.id, with_for_update=True)
    if config is None:
        config = DeviceConfig(device_id=device.id, version=0, changed_at=at)
        session.add(config)
    elif all(getattr(config, name) == value for name, value in profile.items()):
        return config
    for name, value in profile.items():
        setattr(config, name, value)
    config.version, config.changed_at = config.version + 1, at
    session.flush()
    notifications.request(session, "config", device.uuid, at=at)
    return config


def withdraw(session: Session, device: Device, *, at: datetime) -> None:
    """Take back what a device was asked and has not replied to, and how it was told to report."""
    session.execute(
        update(DeviceCommand)
        .where(
            DeviceCommand.device_id == device.id,
            DeviceCommand.replied_at.is_(None),
            DeviceCommand.expires_at > at,
        )
        .values(expires_at=at)
    )
    if session.get(DeviceConfig, device.id) is not None:
        # A device keeps the highest version it has seen: only a newer one makes it forget.
        configure(session, device, at=at, **dict.fromkeys(PROFILE))
