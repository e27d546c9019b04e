"""How long failed work waits."""

from hypothesis import given
from hypothesis import strategies as st

from db.work import pause


@given(st.integers(0, 10_000))
def test_the_pause_grows_from_half_a_second_to_half_a_minute(attempts: int) -> None:
    assert 0.5 <= pause(attempts).total_seconds() <= 30
    assert pause(attempts) <= pause(attempts + 1)
