"""The lines of a price, as a customer reads them. Pure."""
# ruff: noqa: RUF001 - Cyrillic is meant

from collections.abc import Mapping

from dispatch.orders.pricing import Line, LineKind

DEFAULT = "en"

_USUAL_DIGITS = 2
_DIGITS = dict.fromkeys(
    (
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"),
        *("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
    ),
    0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
"""How many digits of an amount are behind the point, where they are not two (ISO 4217)."""

_LINES: Mapping[LineKind, Mapping[str, str]] = {
    LineKind.CALLOUT: {
        "en": "Coming out: {name}",
        "ru": "Выезд: {name}",
        "uz": "Yetib kelish: {name}",
        "fr": "Déplacement : {name}",
    },
    LineKind.DISTANCE: {
        "en": "The way: {km} km beyond those included, at {each} each",
        "ru": "Путь: {km} км сверх включённых, по {each}",
        "uz": "Yo‘l: kiritilganidan ortiq {km} km, har biri {each}",
        "fr": "Trajet : {km} km au-delà de ceux compris, à {each}",
    },
    LineKind.NIGHT: {
        "en": "By night: {quantity} % of the price of the day",
        "ru": "Ночью: {quantity} % дневной цены",
        "uz": "Tunda: kunduzgi narxning {quantity} foizi",
        "fr": "De nuit : {quantity} % du prix de jour",
    },
    LineKind.MINIMUM: {
        "en": "Up to the least that is charged, {each}",
        "ru": "До наименьшей цены, {each}",
        "uz": "Eng kam narxgacha, {each}",
        "fr": "Complément jusqu’au minimum, {each}",
    },
    LineKind.ADDON: {"en": "{name}", "ru": "{name}", "uz": "{name}", "fr": "{name}"},
    LineKind.WAITING: {
        "en": "Waiting: {quantity} min beyond those that are free, at {each} each",
        "ru": "Ожидание: {quantity} мин сверх бесплатных, по {each}",
        "uz": "Kutish: bepulidan ortiq {quantity} daqiqa, har biri {each}",
        "fr": "Attente : {quantity} min au-delà des minutes gratuites, à {each}",
    },
    LineKind.CANCEL_FEE: {
        "en": "For cancelling",
        "ru": "За отмену",
        "uz": "Bekor qilish uchun",
        "fr": "Frais d’annulation",
    },
    LineKind.NO_SHOW_FEE: {
        "en": "Nobody was at the pickup",
        "ru": "В месте подачи никого не было",
        "uz": "Kutish joyida hech kim yo‘q edi",
        "fr": "Personne au lieu de rendez-vous",
    },
}
_SPACE = "\u00a0"  # at which no line is broken
_UNNAMED = {"en": "vehicle", "ru": "автомобиль", "uz": "avtomobil", "fr": "véhicule"}


def digits_of(currency: str) -> int:
    """How many digits of an amount in minor units are behind the point."""
    return _DIGITS.get(currency, _USUAL_DIGITS)


def money(amount: int, currency: str) -> str:
    """An amount in minor units as people write it."""
    digits = digits_of(currency)
    whole, rest = divmod(abs(amount), 10**digits)
    point = f".{rest:0{digits}d}" if digits else ""
    thousands = f"{whole:,}".replace(",", _SPACE)
    return f"{'-' if amount < 0 else ''}{thousands}{point}{_SPACE}{currency}"


def say(line: Line, currency: str, language: str) -> str:
    """What a line is for."""
    texts = _LINES[line.kind]
    spoken = language if language in texts else language.partition("-")[0]
    if spoken not in texts:
        spoken = DEFAULT
    return texts[spoken].format(
        name=line.name or _UNNAMED[spoken],
        km=_km(line.quantity or 0),
        quantity=line.quantity,
        each=money(line.each or 0, currency),
    )


def _km(metres: int) -> str:
    """To the metre: whoever reckons it again has to come to the same amount."""
    return f"{metres / 1000:.3f}".rstrip("0").rstrip(".")
