"""Twilio Lookup v2: whose network a number is on, by its country and network codes."""

from collections.abc import Mapping

import requests
import structlog

from receipts.model import Msisdn, Network
from receipts.ports import TryLater

_log = structlog.get_logger()

#: Seconds to connect and to answer: a caller is waiting, two seconds are the most there are.
TIMEOUTS = (1.0, 1.0)

_CHINA = "460"
#: China's network codes. General knowledge, not confirmed by the operators; a code that is not
#: here is unknown, never another's.
_NETWORKS = (
    dict.fromkeys(("00", "02", "04", "07", "08", "13"), Network.CHINA_MOBILE)
    | dict.fromkeys(("01", "06", "09", "10"), Network.CHINA_UNICOM)
    | dict.fromkeys(("03", "05", "11", "12"), Network.CHINA_TELECOM)
    | {"15": Network.OTHER}
)


class TwilioLookup:
    """Asks Twilio, which bills each question. What it does not know is None, never off-net."""

    def __init__(self, credentials: tuple[str, str], url: str) -> None:
        self._session = requests.Session()
        self._session.auth = credentials
        self._url = url.rstrip("/")

    def network_of(self, number: Msisdn) -> Network | None:
        """The network, None when Twilio cannot tell. Raises TryLater when it does not answer."""
        try:
            answer = self._session.get(
                f"{self._url}/v2/PhoneNumbers/{number}",
                params={"Fields": "line_type_intelligence"},
                timeout=TIMEOUTS,
            )
        except requests.RequestException as lost:
            raise TryLater(f"lookup: {type(lost).__name__}") from lost
        if answer.status_code == requests.codes.not_found:
            return None
        if not answer.ok:
            raise TryLater(f"lookup: status {answer.status_code}")
        try:
            return _network(answer.json())
        except ValueError as garbled:
            raise TryLater("lookup: no JSON") from garbled


def _network(told: object) -> Network | None:
    line = told.get("line_type_intelligence") if isinstance(told, Mapping) else None
    if not isinstance(line, Mapping):
        return None
    country, code = line.get("mobile_country_code"), line.get("mobile_network_code")
    if not country or not code:
        return None
    network = _NETWORKS.get(str(code)) if str(country) == _CHINA else None
    if network is None:
        _log.info("a network nobody here knows", country=str(country), code=str(code))
    return network
