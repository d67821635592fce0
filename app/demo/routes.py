"""Routes under /demo for the simulated phones: customers' states and the clock, for trials only."""

import datetime as dt
from collections import Counter
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from app.bootstrap import Container
from app.clock import ClockError, MovableClock
from receipts.model.calendar import month_of
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language, Msisdn
from receipts.numbering.msisdn import parse_msisdn
from statemachines.subscription import HOLDING, SubscriptionState

#: Phones in one request.
_MAX_NUMBERS = 100

_MISSING_MOVE = "missing field: move"


def demo_blueprint(container: Container) -> Blueprint:
    """The routes; the factory registers them only where DEMO_SECRET is set."""
    demo = Blueprint("demo", __name__, url_prefix="/demo")
    clock = MovableClock(container.settings.data_dir)

    @demo.get("/customers")
    def customers() -> Response:
        numbers = [_number(each) for each in request.args.getlist("number")]
        if len(numbers) > _MAX_NUMBERS:
            raise BadRequest(f"at most {_MAX_NUMBERS} numbers")
        return jsonify(clock=_clock(clock), customers=_customers(container, numbers))

    @demo.post("/clock")
    def move_clock() -> Response:
        if "move" not in request.form:
            raise BadRequest(_MISSING_MOVE)
        try:
            clock.move(request.form["move"])
        except ClockError as error:
            raise BadRequest(str(error)) from error
        return jsonify(clock=_clock(clock))

    return demo


def _number(text: str) -> Msisdn:
    number = parse_msisdn(text)
    if number is None:
        raise BadRequest("number must be a phone number")
    return number


def _clock(clock: MovableClock) -> dict[str, Any]:
    """The time of the service, and the seconds by which it was moved."""
    shift = clock.shift()
    now = clock.wall_clock() + shift
    return {"now": now.isoformat(timespec="seconds"), "moved_seconds": shift.total_seconds()}


def _customers(container: Container, numbers: list[Msisdn]) -> list[dict[str, Any]]:
    """The customers in the order of their numbers, read in two round trips."""
    if not numbers:
        return []
    reader = container.clients.bulk_reader
    charged: Counter[Msisdn] = Counter()
    for charge in reader.charges_of(numbers, month_of(container.clock.now())):
        charged[charge.number] += charge.fen
    customers = reader.subscriptions(numbers)
    return [_customer(container, each, charged[each.number]) for each in customers]


def _customer(container: Container, customer: Subscription, month_fen: int) -> dict[str, Any]:
    policy = container.policy
    is_priced = policy.service_area(customer).province or customer.state in HOLDING
    prices = {
        language.value: policy.template_params(customer, language)["price"]
        for language in Language
        if is_priced
    }
    until = _until(customer)
    return {
        "number": customer.number,
        "state": customer.state.value,
        "mode": customer.mode.value,
        "until": until.isoformat(timespec="seconds") if until else None,
        "price": prices,
        "month_fen": month_fen,
    }


def _until(customer: Subscription) -> dt.datetime | None:
    """The end of a cancelled subscription, or of a request that waits for its confirmation."""
    if customer.state is SubscriptionState.PENDING and customer.order:
        return customer.order.expires_at
    return customer.ends_at
