"""JSON of a message in Twilio's REST API, and its DateSent filters."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

from simulator.network.messages import Message

_ERROR_MESSAGES = {
    "30002": "Account suspended",
    "30032": "Toll-free number has not been verified",
    "30034": "Message from an unregistered number",
    "30003": "Unreachable destination handset",
    "30005": "Unknown destination handset",
    "30007": "Message filtered",
    "30008": "Unknown error",
}


def message_json(message: Message, account_sid: str) -> dict[str, object]:
    """Return the documented JSON of one message."""
    uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{message.sid}"
    # With a Messaging Service the sender and the segments are chosen after acceptance.
    pending = message.status == "accepted"
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": _rfc_2822(message.created),
        "date_sent": _rfc_2822(message.sent),
        "date_updated": _rfc_2822(message.updated),
        "direction": "outbound-api",
        "error_code": int(message.error_code) if message.error_code else None,
        "error_message": _ERROR_MESSAGES.get(message.error_code),
        "from": message.sender or None,
        "messaging_service_sid": message.service or None,
        "num_media": "0",
        "num_segments": "0" if pending else str(message.segments),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


def date_sent_filter(query: Mapping[str, str]) -> Callable[[Message], bool]:
    """Return a test for the DateSent filters of a query. Raises: ValueError."""
    bounds = []
    if query.get("DateSent"):
        # Equality compares the day, also when a time is given.
        day_start, day_end = _span(query["DateSent"][:10])
        bounds += [(day_start, 1), (day_end, -1)]
    if query.get("DateSent>"):
        bounds.append((_span(query["DateSent>"])[0], 1))
    if query.get("DateSent<"):
        bounds.append((_span(query["DateSent<"])[1], -1))

    def matches(message: Message) -> bool:
        # A queued message has no sending time: its creation counts.
        timestamp = int(message.sent or message.created)
        return all((timestamp - bound) * sign >= 0 for bound, sign in bounds)

    return matches


def _span(text: str) -> tuple[float, float]:
    """Return the first and last second of a date, or a time twice."""
    if "T" not in text:
        start = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return start.timestamp(), (start + timedelta(days=1)).timestamp() - 1
    time = datetime.fromisoformat(text)
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return int(aware.timestamp()), aware.timestamp()


def _rfc_2822(timestamp: float | None) -> str | None:
    return None if timestamp is None else format_datetime(datetime.fromtimestamp(timestamp, UTC))
