"""What a call for help is about, in the words of the documented contract."""

from broker.frames import SosType

_WORDS = {
    SosType.BUTTON: "BUTTON_PRESSED",
    SosType.FALL: "FALL_DETECTED",
    SosType.CRASH: "CRASH_DETECTED",
    SosType.HEART: "HEART_RATE_DETECTED",
    SosType.IMMOBILE: "IMMOBILITY_DETECTED",
    SosType.MANUAL: "MANUAL_TRIGGER",
    SosType.OTHER: "OTHER",
}


def detected_type(type_: str) -> str:
    """The contract's word; a device's own word is handed on as it is, in capitals."""
    return _WORDS[SosType(type_)] if type_ in _WORDS else type_.upper()
