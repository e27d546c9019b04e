"""Who can be woken, and when."""

from dispatch.duty.queries import Woken, on_duty, whom_to_wake

__all__ = ["Woken", "on_duty", "whom_to_wake"]
