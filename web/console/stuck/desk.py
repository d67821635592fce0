"""What the pages of stuck receipts share: services, words, checks of a form."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Response, request
from werkzeug.exceptions import BadRequest

from receipts.delivery.settlement import Settlement
from receipts.model.staff import Right
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.ports.stuck import StuckReader
from receipts.staff.rights import has_right
from receipts.worker.hand_switch import BreakerSwitch
from web.console.failures import failure_meaning
from web.console.journeys.line import moment
from web.forms import sent_nonce
from web.staff.access import signed_in
from web.staff.rendering import StaffSite

#: A receipt in the outbox is sent within a second, and within a lease when a worker died.
DUE_AGE = dt.timedelta(seconds=15)

_LONGEST_INPUT = 200


@dataclass(frozen=True, slots=True)
class StuckDesk:
    """Services of the pages; ``counts`` reads the counters of failures."""

    site: StaffSite
    store: Store
    stuck: StuckReader
    counts: Callable[[], Mapping[str, int]]
    waiting: Callable[[], Mapping[str, int]]
    settlement: Settlement
    breakers: BreakerSwitch
    clock: Clock

    def page(self, template: str, status: int = 200, **context: object) -> Response:
        """A template with the words and rights of these pages."""
        role = signed_in().role
        return self.site.page(
            f"console/{template}",
            status,
            moment=moment,
            meaning=lambda provider, code: failure_meaning(self.site, provider, code),
            may_settle=has_right(role, Right.SETTLE_RECEIPTS),
            may_switch=has_right(role, Right.SWITCH_BREAKERS),
            due_seconds=int(DUE_AGE.total_seconds()),
            **context,
        )


def typed(name: str) -> str:
    """A field of the submitted form."""
    return request.form.get(name, "").strip()[:_LONGEST_INPUT]


def nonce() -> str:
    """The form's idempotency key. Raises BadRequest without one."""
    found = sent_nonce()
    if found is None:
        raise BadRequest("once")
    return found
