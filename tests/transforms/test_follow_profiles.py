"""The timers of the keyed step."""

from __future__ import annotations

import pytest
from apache_beam.utils.timestamp import Timestamp

from transforms.follow_profiles import _not_before


@pytest.mark.parametrize(
    ("time_us", "set_us"), [(0, 0), (1, 1000), (1000, 1000), (1_772_366_400_123_456, 1_772_366_400_124_000)]
)
def test_a_timer_is_set_to_a_whole_millisecond_that_is_not_before_its_time(time_us: int, set_us: int) -> None:
    """A runner cuts it to milliseconds. One that fired early would find nothing due, and be set again."""
    assert _not_before(time_us) == Timestamp(micros=set_us)
