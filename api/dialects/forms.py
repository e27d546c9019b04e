"""What forms send."""

from typing import Any

from pydantic import BeforeValidator


def _none_given(said: Any) -> Any:
    return None if said == "" else said


Absent = BeforeValidator(_none_given)
"""What was left empty comes as an empty text."""
