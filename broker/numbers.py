"""Numbers as devices send them: bounded, finite, never a truth value; a number in quotes is a number."""

import math
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_LONGEST = 32


@dataclass(frozen=True, slots=True)
class Number:
    """Marks a field as a number between two bounds; where it is `whole`, fractions are rounded."""

    low: float
    high: float
    whole: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # The first branch takes nearly every value without leaving the validator's compiled code.
        return core_schema.union_schema(
            [self._plain(), core_schema.no_info_plain_validator_function(self._read)], mode="left_to_right"
        )

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "integer" if self.whole else "number",
            "minimum": self.low,
            "maximum": self.high,
        }

    def _plain(self) -> CoreSchema:
        if self.whole:
            return core_schema.int_schema(strict=True, ge=int(self.low), le=int(self.high))
        return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=self.low, le=self.high)

    def _read(self, value: Any) -> float:
        number = _number(value)
        if number > self.high:
            raise PydanticCustomError("above", "above {bound}", {"bound": self.high})
        if number < self.low:
            raise PydanticCustomError("below", "below {bound}", {"bound": self.low})
        return round(number) if self.whole else number


def _number(value: Any) -> float:
    if not isinstance(value, bool) and isinstance(value, int | float | str):
        try:
            number = float(value if not isinstance(value, str) else value[:_LONGEST])
        except (ValueError, OverflowError):
            pass
        else:
            if math.isfinite(number):
                return number
    raise PydanticCustomError("number", "not a number")
