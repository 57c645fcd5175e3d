"""The watermark of a broker that tells none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.timestamps import SECOND_US
from transforms.core.delivery import RECENT_US, DeliveryWatermark

NOW_US = 1_767_225_600_000_000


def test_an_idle_source_is_five_seconds_behind() -> None:
    watermark = DeliveryWatermark()
    assert watermark.read_us(NOW_US) == NOW_US - RECENT_US
    assert watermark.read_us(NOW_US + SECOND_US) == NOW_US + SECOND_US - RECENT_US


def test_a_backlog_holds_it_until_it_is_delivered() -> None:
    watermark = DeliveryWatermark()
    watermark.delivered(NOW_US - 100 * SECOND_US, NOW_US)
    assert watermark.read_us(NOW_US) == NOW_US - 100 * SECOND_US
    watermark.delivered(NOW_US - 50 * SECOND_US, NOW_US + RECENT_US)
    assert watermark.read_us(NOW_US + RECENT_US) == NOW_US - 50 * SECOND_US
    assert watermark.read_us(NOW_US + 2 * RECENT_US) == NOW_US + RECENT_US


@given(st.lists(st.tuples(st.integers(0, 20 * SECOND_US), st.integers(0, 3 * SECOND_US)), max_size=20))
def test_it_never_goes_back_and_is_never_ahead_of_what_came_lately(steps: list[tuple[int, int]]) -> None:
    watermark, now_us, before = DeliveryWatermark(), NOW_US, 0
    for age_us, passed_us in steps:
        now_us += passed_us
        watermark.delivered(now_us - age_us, now_us)
        read = watermark.read_us(now_us)
        assert before <= read <= max(before, min(now_us - age_us, now_us - RECENT_US))
        before = read
