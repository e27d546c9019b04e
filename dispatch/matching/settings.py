"""What the process of orders reads from the environment."""

from functools import lru_cache

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from dispatch.matching.driver_scoring import Policy


class OrderSettings(BaseSettings):
    """By what orders and drivers are matched, `MAYDAY_ORDERS_WINDOW_S` and its like."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_", env_ignore_empty=True)

    orders_window_s: NonNegativeFloat = 3.0
    """How long orders are gathered before drivers are asked; 0 asks for each at once."""

    orders_reach_m: PositiveInt = 20_000
    """Nobody is asked to come from farther away."""

    orders_region_s: NonNegativeInt = 60
    """How many seconds longer a driver of the order's own region may take."""

    orders_fairness_s: NonNegativeInt = 90
    """How many seconds longer, at most, a driver may take who had no share of the work."""

    def policy(self) -> Policy:
        """The same, for the matcher."""
        return Policy(
            window_s=self.orders_window_s,
            reach_m=self.orders_reach_m,
            region_s=self.orders_region_s,
            fairness_s=self.orders_fairness_s,
        )


@lru_cache(maxsize=1)
def current_policy() -> Policy:
    """As this process was started with it."""
    return OrderSettings().policy()
