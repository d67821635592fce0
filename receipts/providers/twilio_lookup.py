"""Twilio Lookup v2: network of a number by its mobile country and network codes."""

import requests
import structlog
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client

from receipts.model.vocabulary import Msisdn, Network
from receipts.ports.provider import TemporaryError
from receipts.providers.twilio_http import SdkHttpClient

_log = structlog.get_logger()

#: Seconds to connect and to answer. A caller is waiting: two seconds at most.
TIMEOUTS_SECONDS = (1.0, 1.0)

#: Lookups at one time that keep their connection.
_CONNECTIONS = 8

_NOT_FOUND = 404

_CHINA = "460"
#: China's network codes. General knowledge, not confirmed by the operators; a code that is not
#: here is unknown, never another network's.
_NETWORKS = (
    dict.fromkeys(("00", "02", "04", "07", "08", "13"), Network.CHINA_MOBILE)
    | dict.fromkeys(("01", "06", "09", "10"), Network.CHINA_UNICOM)
    | dict.fromkeys(("03", "05", "11", "12"), Network.CHINA_TELECOM)
    | {"15": Network.OTHER}
)


class TwilioLookup:
    """Network look-up; Twilio bills each one. An unknown number is None, never off-net."""

    def __init__(self, credentials: tuple[str, str], url: str) -> None:
        http = SdkHttpClient(url, _CONNECTIONS, TIMEOUTS_SECONDS)
        self._numbers = Client(*credentials, http_client=http).lookups.v2.phone_numbers

    def network_of(self, number: Msisdn) -> Network | None:
        """Return the network, None when Twilio does not know it. Raises TemporaryError."""
        try:
            found = self._numbers(number).fetch(fields="line_type_intelligence")
        except (TwilioRestException, TwilioServiceException) as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise TemporaryError(f"lookup: status {refused.status}") from refused
        except (requests.RequestException, TwilioException) as error:
            raise TemporaryError(f"lookup: {type(error).__name__}") from error
        except ValueError as error:
            raise TemporaryError("lookup: no JSON") from error
        except (AttributeError, TypeError):  # JSON of another shape
            return None
        return _network(found.line_type_intelligence)


def _network(line: object) -> Network | None:
    if not isinstance(line, dict):
        return None
    country, code = line.get("mobile_country_code"), line.get("mobile_network_code")
    if not country or not code:
        return None
    network = _NETWORKS.get(str(code)) if str(country) == _CHINA else None
    if network is None:
        _log.info("unknown network", country=str(country), code=str(code))
    return network
