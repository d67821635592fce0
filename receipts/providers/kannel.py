"""Kannel: a carrier's own line, and the only one of ours that can flash (message class 0)."""

import datetime as dt
import re
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from receipts.delivery import Told
from receipts.model import Fate, Mode
from receipts.ports import Abilities, Never, NotHere, Parcel, SendingFailure, TryLater, Unsure
from receipts.providers.message_centre import fate_of
from receipts.providers.twilio import TIMEOUTS, never_connected
from receipts.wording import is_gsm7

#: Delivered 1, not delivered 2, under way at the centre 4, taken by the centre 8, refused by it
#: 16 (Kannel user's guide, delivery reports).
_REPORTS_WANTED = 1 + 2 + 4 + 8 + 16

_TOLD = {
    "1": Told.DELIVERED,
    "2": Told.UNDELIVERED,
    "4": Told.UNDERWAY,
    "8": Told.UNDERWAY,
    "16": Told.FAILED,
}

_NOT_DELIVERED = frozenset({Fate.EXPIRED, Fate.FAILED, Fate.REJECTED})

#: The centre's word and error code in its report, as %A hands it on.
_STAT = re.compile(r"\bstat:(\S{1,16})(?:\s+err:(\S{1,16}))?")

#: Longer words of a centre are cut: they are kept for staff, and are no place for floods.
_LONGEST_WORD = 60

_HEADERS = {"Accept": "*/*", "Connection": "keep-alive", "User-Agent": "sms-receipt"}

#: What Kannel says when it will not route a text, with the same status as for a wrong password.
_NOT_ROUTABLE = "Not routable"


def heard(kind: str, answer: str = "") -> tuple[Told, str]:
    """What a report means, and its word for staff; ``answer`` is the centre's own, if known.

    An unknown number or word is never final.
    """
    told = _TOLD.get(kind, Told.UNKNOWN)
    found = _STAT.search(answer)
    if found is None:
        said = answer if told is Told.FAILED else ""
        return told, f"type {kind} {said}".strip()[:_LONGEST_WORD]
    stat, code = found.groups(default="")
    # Kannel calls every report "not delivered" whose word it does not know: the word decides.
    if told is Told.UNDELIVERED and fate_of(stat) not in _NOT_DELIVERED:
        told = Told.UNKNOWN
    return told, f"type {kind} {stat} {code}".strip()[:_LONGEST_WORD]


class Kannel:
    """Sends through one smsbox. It cannot say later what it took: there is no look-up."""

    name = "kannel"
    abilities = Abilities(flash=True, reports=True, lookup=False)

    def __init__(
        self,
        url: str,
        credentials: tuple[str, str],
        secret: str,
        sender: str,
        public_url: str,
        smsc: str = "",
        connections: int = 16,
    ) -> None:
        self._url = url.rstrip("/")
        if not self._url.endswith("/sendsms"):
            self._url += "/cgi-bin/sendsms"
        user, password = credentials
        self._fixed = {
            "username": user,
            "password": password,
            "from": sender,
            "charset": "UTF-8",
            "dlr-mask": str(_REPORTS_WANTED),
        }
        if smsc:
            self._fixed["smsc"] = smsc
        self._report_url = f"{public_url.rstrip('/')}/kannel/report"
        self._secret = secret
        # Of the library its adapter alone: a session would look for cookies, redirects, proxies
        # and passwords in the user's files at every text. Kannel has none of these.
        self._line = HTTPAdapter(pool_maxsize=connections, max_retries=0)

    def send(self, parcel: Parcel) -> str:
        """Hand one text over. Kannel gives no id of its own: ours comes back with its reports."""
        # A query, for it is what every Kannel takes; smsbox refuses form posts ("Invalid
        # content-type", 1.4.5). As it holds the password, no redirect takes it elsewhere and no
        # failure that shows it goes further.
        try:
            answer = self._line.send(self._request(parcel), timeout=TIMEOUTS)
            _ = answer.content  # read here: what breaks off now is a failure too
        except requests.RequestException as lost:
            raise _unanswered(lost) from None
        if answer.status_code != requests.codes.accepted:
            raise _judged(answer)
        # "0: Accepted for delivery" or, while the line is down, "3: Queued for later delivery":
        # either way Kannel holds it on its own disk now, and nobody else may send it.
        return parcel.id

    def _request(self, parcel: Parcel) -> requests.PreparedRequest:
        request = requests.PreparedRequest()
        request.method, request.hooks = "GET", {"response": []}
        # As UTF-8 throughout: urlencode leaves nothing that would have to be quoted once more.
        request.url = f"{self._url}?{urlencode(self._asked(parcel))}"
        request.headers = CaseInsensitiveDict(_HEADERS)
        return request

    def _asked(self, parcel: Parcel) -> dict[str, str]:
        """How a text is to be sent, and where its reports go."""
        # %d and %A are Kannel's own escapes, for the kind of report and for the centre's word;
        # nothing else may hold a per cent sign.
        about = urlencode({"secret": self._secret, "id": parcel.id}) + "&type=%d&answer=%A"
        asked = self._fixed | {
            "to": parcel.to,
            "text": parcel.text,
            "coding": "0" if is_gsm7(parcel.text) else "2",
            "dlr-url": f"{self._report_url}?{about}",
        }
        if parcel.mode is Mode.FLASH:
            asked["mclass"] = "0"
        return asked

    def find(self, parcel: Parcel, since: dt.datetime, known: frozenset[str]) -> str | None:
        """Kannel cannot tell; only its report can. Never asked, since ``lookup`` is False."""
        raise NotImplementedError


def _unanswered(lost: requests.RequestException) -> SendingFailure:
    """What a missing answer means: if we never got through, it was certainly not sent."""
    if isinstance(lost, requests.ConnectTimeout) or never_connected(lost):
        return TryLater(f"kannel not reached: {type(lost).__name__}")
    return Unsure(f"kannel gave no answer: {type(lost).__name__}")


def _judged(answer: requests.Response) -> SendingFailure:
    """What a refusal means. Kannel answers 202 only when it has taken the text."""
    said, status = answer.text[:_LONGEST_WORD].strip(), answer.status_code
    detail = f"kannel {status}: {said}"
    if _NOT_ROUTABLE in said:
        return NotHere(detail)
    if status == requests.codes.bad_request:
        return Never(detail)
    # Others may stand between us and Kannel: what they say after our words went through is no
    # proof that Kannel did not get them. 503 is everybody's word for "not taken, try again".
    broken = status >= requests.codes.internal_server_error
    if status < requests.codes.multiple_choices or (
        broken and status != requests.codes.unavailable
    ):
        return Unsure(detail)
    # The rest is a matter of set-up (password, address, pace): it can be mended while we wait.
    return TryLater(detail)
