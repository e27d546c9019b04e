"""What a verb may refuse; api/errors.py alone turns these into answers over HTTP."""

from collections.abc import Mapping


class DomainError(Exception):
    """A refusal that a person can understand and act on."""

    code = "refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(DomainError):
    code = "not_found"


class Forbidden(DomainError):
    code = "forbidden"


class Conflict(DomainError):
    code = "conflict"


class IllegalMove(Conflict):
    code = "illegal_move"


class Merged(IllegalMove):
    """Another incident speaks for this one."""

    code = "merged"


class Held(Conflict):
    """Somebody else looks after it."""

    code = "held"


class Invalid(DomainError):
    code = "invalid"


class WrongFields(Invalid):
    """Some fields do not do; each with what would."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(f"please correct: {', '.join(list(wrong)[:20])}")
        self.wrong = [{"field": field, "message": message} for field, message in wrong.items()]
