"""Moments as people type them."""

import datetime as dt

import pytest

from receipts.model.calendar import SHANGHAI
from receipts.reports.typed_time import TypedTimeError, read_time

NOW = dt.datetime(2026, 11, 29, 14, 30, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("14:05", "2026-11-29 14:05"), (" 14：05 ", "2026-11-29 14:05"),
        ("9:05", "2026-11-29 09:05"), ("14:05:30", "2026-11-29 14:05:30"),
        ("23:50", "2026-11-28 23:50"), ("14:30", "2026-11-29 14:30"),
        ("2026-11-28 14:05", "2026-11-28 14:05"), ("2026-11-28T14:05", "2026-11-28 14:05"),
        ("2026/11/28 14:05:09", "2026-11-28 14:05:09"), ("2026.11.28  9:05", "2026-11-28 09:05"),
        ("11-28 14:05", "2026-11-28 14:05"), ("11/28 14:05", "2026-11-28 14:05"),
        ("12-31 08:00", "2025-12-31 08:00"), ("2-29 08:00", "2024-02-29 08:00"),
        ("11-29 23:00", "2026-11-29 23:00"),
        ("11月28日14:05", "2026-11-28 14:05"), ("2026年11月28日 14：05", "2026-11-28 14:05"),
        ("11-28", "2026-11-28 12:00"), ("2026-11-28", "2026-11-28 12:00"),
        ("2026-11-28T14:05:09.123+08:00", "2026-11-28 14:05:09.123"),
        ("2026-11-28T06:05Z", "2026-11-28 14:05"),
        ("2026-11-28 06:05:00+00:00", "2026-11-28 14:05"),
        ("20261128T140500", "2026-11-28 14:05"),
    ],
)  # fmt: skip
def test_typed_moment_is_read_in_chinas_time(typed: str, moment: str):
    expected = dt.datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)
    assert read_time(typed, NOW) == expected


@pytest.mark.parametrize(
    "typed",
    ["", " ", "25:00", "14:60", "2026-13-01 10:00", "2026-02-30", "13-01", "two", "14.05.2026",
     "1", "99999-01-01", "0000-01-01 10:00", "٣:٠٥", "14:05 11-28 14:05"],
)  # fmt: skip
def test_what_is_no_moment_is_refused(typed: str):
    with pytest.raises(TypedTimeError):
        read_time(typed, NOW)
