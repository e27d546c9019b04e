"""A frame as the rules know it, whichever way it came."""

from collections.abc import Sequence
from datetime import datetime

from broker.frames import SosFrame
from db.states import Clock
from dispatch.sos.rules import Press


def press_of(
    frame: SosFrame, *, via: str, notes: Sequence[str], at: datetime, exercise: bool = False
) -> Press:
    """One call for help; `notes` say what had to be dropped of it."""
    time, whose = frame.time(at)
    clock = Clock[whose.name]
    return Press(
        frame_id=frame.id,
        type=frame.type,
        via=via,
        severity=frame.sev,
        device_at=time if clock in (Clock.DEVICE, Clock.AGE) else None,
        clock=clock,
        lat=frame.lat,
        lon=frame.lon,
        alt_m=frame.alt,
        accuracy_m=frame.acc,
        battery_pct=frame.bat,
        hold_s=frame.hold,
        exercise=exercise,
        raw=frame.raw,
        notes=notes,
    )
