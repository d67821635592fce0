"""Times as a network reported them, with their precision."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct


class TimePrecision(StrEnum):
    """The smallest unit of a time that the network gave; the units below it are zero."""

    DAY = "day"
    MINUTE = "minute"
    SECOND = "second"


class ReportedTime(Struct, frozen=True, array_like=True):
    """A time that the network reported, with its precision."""

    at: dt.datetime
    precision: TimePrecision = TimePrecision.SECOND
