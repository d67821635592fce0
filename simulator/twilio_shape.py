"""How the provider writes a message down, and how it reads the moments it is asked about."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

from simulator.messages import Message

_WORDS = {
    "30003": "Unreachable destination handset",
    "30005": "Unknown destination handset",
    "30007": "Message filtered",
    "30008": "Unknown error",
}


def message_body(message: Message, account: str) -> dict[str, object]:
    """Return the documented JSON of one message."""
    uri = f"/2010-04-01/Accounts/{account}/Messages/{message.sid}"
    # With a service the sender and the parts are not chosen yet when the message is accepted.
    waiting = message.status == "accepted"
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": _written(message.created),
        "date_sent": _written(message.sent),
        "date_updated": _written(message.updated),
        "direction": "outbound-api",
        "error_code": int(message.error_code) if message.error_code else None,
        "error_message": _WORDS.get(message.error_code),
        "from": message.sender or None,
        "messaging_service_sid": message.service or None,
        "num_media": "0",
        "num_segments": "0" if waiting else str(message.segments),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


def moment_filter(asked: Mapping[str, str]) -> Callable[[Message], bool]:
    """Return a test for the DateSent filters or raise ValueError; a date means its whole day."""
    bounds = []
    if asked.get("DateSent"):
        # Only the day counts here, also when a whole moment was given.
        day, after_day = _span(asked["DateSent"][:10])
        bounds += [(day, 1), (after_day, -1)]
    if asked.get("DateSent>"):
        bounds.append((_span(asked["DateSent>"])[0], 1))
    if asked.get("DateSent<"):
        bounds.append((_span(asked["DateSent<"])[1], -1))

    def within(message: Message) -> bool:
        # A message on its way to the carrier has no sending time yet; its creation stands in.
        moment = int(message.sent or message.created)
        return all((moment - bound) * sign >= 0 for bound, sign in bounds)

    return within


def _span(text: str) -> tuple[float, float]:
    if "T" not in text:
        start = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return start.timestamp(), (start + timedelta(days=1)).timestamp() - 1
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()), aware.timestamp()


def _written(moment: float | None) -> str | None:
    return None if moment is None else format_datetime(datetime.fromtimestamp(moment, UTC))
