"""Refusals that only a counter knows; the rules' own are in dispatch.errors."""

from dispatch.errors import Conflict, DomainError, Invalid


class Unauthenticated(DomainError):
    """Nobody, or nobody any more."""

    code = "unauthenticated"

    def __init__(self, message: str, *, scheme: str = "Bearer") -> None:
        super().__init__(message)
        self.scheme = scheme


class SecondStepNeeded(Unauthenticated):
    """The password is right, and a code is asked for; `second_step` has to be shown with it."""

    code = "second_step_needed"

    def __init__(self, token: str) -> None:
        super().__init__("say a code of the authenticator app, or a recovery code, with second_step")
        self.more = {"second_step": token}


class Busy(DomainError):
    """Try again in a moment; nothing was done."""

    code = "busy"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyTries(Busy):
    """This caller has to wait."""

    code = "too_many_tries"


class WrongField(Invalid):
    """One field of a request does not do; the message says what would."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Taken(Conflict):
    """Somebody else has what this field asks for."""

    code = "taken"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
