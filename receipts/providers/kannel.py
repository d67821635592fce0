"""Kannel: provider over a carrier's own SMSC, and the only one with flash (message class 0)."""

import datetime as dt
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from receipts.model.masking import mask_foreign
from receipts.model.message import FailureCause, MessageStatus
from receipts.model.vocabulary import DisplayMode
from receipts.ports.provider import (
    Capabilities,
    FoundMessage,
    NoRouteError,
    OutboundMessage,
    PermanentError,
    ProviderError,
    ProviderStatus,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.providers.http import ConnectError, CurlHttpClient, NoResponseError
from receipts.wording.segments import is_gsm7

#: dlr-mask by the reports asked for: delivered 1, undelivered 2, queued on the SMSC 4, accepted by
#: the SMSC 8, rejected by the SMSC 16 (Kannel user's guide, delivery reports). Each report costs a
#: request, and only a final one decides.
DLR_MASKS = {"final": 1 + 2 + 16, "all": 1 + 2 + 4 + 8 + 16}

_TOLD = {
    "1": ProviderStatus.DELIVERED,
    "2": ProviderStatus.UNDELIVERED,
    "4": ProviderStatus.UNDERWAY,
    "8": ProviderStatus.UNDERWAY,
    "16": ProviderStatus.FAILED,
}

#: The SMSC's own status, where Kannel calls it undelivered: it does so for every status but DELIVRD
#: and the few that it takes for underway.
_STATUS_OF_UNDELIVERED = {
    MessageStatus.DELIVERED: ProviderStatus.DELIVERED,
    MessageStatus.UNDERWAY: ProviderStatus.UNDERWAY,
    MessageStatus.UNKNOWN: ProviderStatus.UNKNOWN,
}

#: Status and error code in the SMSC's own report, as %A passes it on.
_STAT = re.compile(r"\bstat:\s*(\S{1,16})(?:\s+err:\s*(\S{1,16}))?", re.IGNORECASE)

#: Most characters of a raw status or a refusal that are kept for staff.
_MAX_DETAIL_CHARS = 60

#: Seconds to connect, and for the complete exchange.
TIMEOUTS_SECONDS = (3.05, 10.0)

#: HTTP statuses of sendsms; 202 alone means accepted.
_ACCEPTED, _BAD_REQUEST, _UNAVAILABLE = 202, 400, 503

#: Refusal to route a text; its HTTP status is the same as for a wrong password.
_NOT_ROUTABLE = "Not routable"


def parse_report(
    kind: str, answer: str, read_status: Callable[[str, str], tuple[MessageStatus, FailureCause]]
) -> tuple[ProviderStatus, str]:
    """Map a delivery report to a provider status and the raw status for staff.

    ``kind`` is Kannel's %d and ``answer`` its %A, the SMSC's own report or empty. An unknown
    value is never final.
    """
    status = _TOLD.get(kind, ProviderStatus.UNKNOWN)
    match = _STAT.search(answer)
    if match is None:
        detail = mask_foreign(answer[:_MAX_DETAIL_CHARS]) if status is ProviderStatus.FAILED else ""
        return status, f"type {kind} {detail}".strip()[:_MAX_DETAIL_CHARS]
    stat, code = match.groups(default="")
    if status is ProviderStatus.UNDELIVERED:
        meaning, _ = read_status(stat, code)
        status = _STATUS_OF_UNDELIVERED.get(meaning, status)
    return status, f"type {kind} {stat} {code}".strip()[:_MAX_DETAIL_CHARS]


class Kannel:
    """Provider over one smsbox. Kannel has no look-up of texts it accepted."""

    name = "kannel"
    capabilities = Capabilities(flash=True, reports=True, lookup=False)

    def __init__(
        self,
        url: str,
        credentials: tuple[str, str],
        secret: str,
        sender: str,
        public_url: str,
        smsc: str = "",
        reports: str = "final",
    ) -> None:
        """``reports`` is a key of ``DLR_MASKS``."""
        url = url.rstrip("/")
        if not url.endswith("/sendsms"):
            url += "/cgi-bin/sendsms"
        user, password = credentials
        fixed = {
            "username": user,
            "password": password,
            "from": sender,
            "charset": "UTF-8",
            "dlr-mask": str(DLR_MASKS[reports]),
        }
        if smsc:
            fixed["smsc"] = smsc
        # Kannel fills in %d (kind of report) and %A (the SMSC's report). No other per cent sign
        # may occur: Kannel would read it as an escape.
        report = f"{public_url.rstrip('/')}/kannel/report?{urlencode({'secret': secret})}&id="
        # Quoted once: these parts are the same for all texts.
        path = quote(urlsplit(url).path, safe="/%")
        self._prefix = f"{path}?{urlencode(fixed)}&dlr-url={quote_plus(report)}"
        self._suffix = quote_plus("&type=%d&answer=%A")
        self._http = CurlHttpClient(url, TIMEOUTS_SECONDS)

    def send(self, message: OutboundMessage) -> str:
        """Submit one text and return its id. Kannel assigns none; its reports carry ours.

        Raises ProviderError by the kind of failure, or DeadlineExceededError.
        """
        # GET: smsbox refuses form posts ("Invalid content-type", 1.4.5). The query holds the
        # password, so no exception that shows it is chained.
        try:
            status, body = self._http.get(self._target(message), message.deadline)
        except ConnectError as error:
            raise TemporaryError(f"kannel not reached: {error}") from None
        except NoResponseError as error:
            raise UnknownOutcomeError(f"kannel gave no answer: {error}") from None
        if status != _ACCEPTED:
            raise _failure(status, body.decode(errors="replace"))
        # "0: Accepted for delivery", or "3: Queued for later delivery" while the SMSC is down.
        # In both cases Kannel has stored the text and will send it.
        return message.id

    def _target(self, message: OutboundMessage) -> str:
        """Path and query of the request for one text."""
        ident = quote_plus(quote_plus(message.id))
        coding = "0" if is_gsm7(message.text) else "2"
        flash = "&mclass=0" if message.mode is DisplayMode.FLASH else ""
        return (
            f"{self._prefix}{ident}{self._suffix}&to={quote_plus(message.to)}"
            f"&text={_percent_encoded(message.text)}&coding={coding}{flash}"
        )

    def find(
        self, message: OutboundMessage, since: dt.datetime, known: frozenset[str]
    ) -> FoundMessage | None:
        """Not available; ``capabilities.lookup`` is False."""
        raise NotImplementedError


def _percent_encoded(text: str) -> str:
    """Escape every octet: cheaper than to look for those that need it."""
    return "%" + text.encode().hex("%") if text else ""


def _failure(status: int, body: str) -> ProviderError:
    """Map a refusal. Kannel answers 202 only when it has accepted the text."""
    reason = body[:_MAX_DETAIL_CHARS].strip()
    # Kannel, or a proxy before it, may quote the text of the request.
    detail = f"kannel {status}: {mask_foreign(reason)}"
    if _NOT_ROUTABLE in reason:
        return NoRouteError(detail)
    if status == _BAD_REQUEST:
        return PermanentError(detail)
    # The answer may come from a proxy after Kannel received the text, so it proves no refusal.
    # 503 is the exception: it means "not accepted, try again".
    if status < 300 or (status >= 500 and status != _UNAVAILABLE):  # noqa: PLR2004 - families
        return UnknownOutcomeError(detail)
    # The rest is configuration (password, address, rate), which an operator can correct.
    return TemporaryError(detail)
