"""Where somebody is, as far as that is told to who need not know it exactly. Pure."""

_DIGITS = 2
"""Of a degree: about a kilometre."""


def about(lat: float, lon: float) -> tuple[float, float]:
    """Where an order is, for a driver who has not taken it."""
    return round(lat, _DIGITS), round(lon, _DIGITS)
