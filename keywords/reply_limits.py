"""Limits of the replies to one number, an hour and a day, over replies of all kinds."""

import datetime as dt
from enum import Enum

from msgspec.structs import replace

from receipts.model.calendar import SHANGHAI
from receipts.model.customer import DailyReplyCount
from receipts.ports.store import Snapshot
from receipts.rulebook.schema import Limits

#: Replies a day to wishes to cancel, as a multiple of the day's limit: such a wish is answered
#: beyond the limits, and two machines could still repeat the question to each other.
_LEAVING_FACTOR = 5

#: Hints an hour to a trial person; a machine that answers to relayed texts gets no more.
HINTS_AN_HOUR = 5


class ReplyLimit(Enum):
    """Whether a number gets one more reply."""

    OPEN = "open"
    REACHED = "reached"
    EXCEEDED = "exceeded"


class ReplyBudget:
    """The replies that a number has had, and those that it may still get."""

    def __init__(
        self, snapshot: Snapshot, limits: Limits, now: dt.datetime, *, is_phone: bool
    ) -> None:
        self._limits, local = limits, now.astimezone(SHANGHAI)
        today, hour = local.date(), local.hour
        count = snapshot.reply_count or DailyReplyCount(snapshot.number, today, hour=hour)
        #: A landline gets one reply a month: few show texts.
        self._had_one_this_month = (
            snapshot.reply_count is not None
            and not is_phone
            and (count.day.year, count.day.month) == (today.year, today.month)
        )
        if count.day != today:
            count = DailyReplyCount(snapshot.number, today, count.version, hour=hour)
        elif count.hour != hour:
            told = count.told and count.replies >= limits.replies_a_day
            count = replace(
                count, hour=hour, replies_this_hour=0, told=told, relays_this_hour=0,
                hints_this_hour=0,
            )  # fmt: skip
        self._count = count

    @property
    def limit(self) -> ReplyLimit:
        """Whether the next reply is within the limits."""
        count, limits = self._count, self._limits
        if self._had_one_this_month:
            return ReplyLimit.EXCEEDED
        within = count.replies < limits.replies_a_day
        if within and count.replies_this_hour < limits.replies_an_hour:
            return ReplyLimit.OPEN
        return ReplyLimit.EXCEEDED if count.told else ReplyLimit.REACHED

    @property
    def allows_leaving(self) -> bool:
        """Whether a wish to cancel is answered, which it is beyond the limits."""
        return self._count.replies < self._limits.replies_a_day * _LEAVING_FACTOR

    @property
    def allows_hint(self) -> bool:
        """Whether a trial person's text that cannot be served is still answered this hour."""
        return self.limit is ReplyLimit.OPEN and self._count.hints_this_hour < HINTS_AN_HOUR

    @property
    def relays_today(self) -> int:
        """Texts passed on today."""
        return self._count.relays

    @property
    def relays_this_hour(self) -> int:
        """Texts passed on in this hour."""
        return self._count.relays_this_hour

    def spent(
        self, *, told: bool = False, replies: int = 1, hints: int = 0, relays: int = 0
    ) -> DailyReplyCount:
        """The count after one more reply; ``told`` if it says that the limit is reached.

        ``hints`` is 1 for a reply that is a hint, ``relays`` for a text that was passed on.
        """
        count = self._count
        return replace(
            count,
            version=count.version + 1,
            replies=count.replies + replies,
            replies_this_hour=count.replies_this_hour + replies,
            told=count.told or told,
            relays=count.relays + relays,
            relays_this_hour=count.relays_this_hour + relays,
            hints_this_hour=count.hints_this_hour + hints,
        )
