"""Kannel: a carrier's own line, and the only one of ours that can flash (message class 0)."""

import datetime as dt
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter

from receipts.delivery import Told
from receipts.model import Mode
from receipts.ports import Abilities, Never, Parcel, SendingFailure, TryLater, Unsure
from receipts.providers.twilio import TIMEOUTS, never_connected
from receipts.wording import is_gsm7

#: All reports but "buffered": delivered 1, not delivered 2, queued 4, with the centre 8,
#: refused by the centre 16 (Kannel user's guide, delivery reports).
_REPORTS_WANTED = 1 + 2 + 4 + 8 + 16

_TOLD = {
    "1": Told.DELIVERED,
    "2": Told.UNDELIVERED,
    "4": Told.UNDERWAY,
    "8": Told.UNDERWAY,
    "16": Told.FAILED,
}


def told_of(kind: str) -> Told:
    """What a report's type means; an unknown number is never final."""
    return _TOLD.get(kind, Told.UNKNOWN)


class Kannel:
    """Sends through one smsbox. It cannot say later what it took: there is no look-up."""

    name = "kannel"
    abilities = Abilities(flash=True, reports=True, lookup=False)

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        secret: str,
        sender: str,
        public_url: str,
        connections: int = 16,
    ) -> None:
        self._url = url.rstrip("/")
        if not self._url.endswith("/sendsms"):
            self._url += "/cgi-bin/sendsms"
        self._fixed = {"username": user, "password": password, "from": sender}
        self._report_url = f"{public_url.rstrip('/')}/kannel/report"
        self._secret = secret
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
        self._session.mount("https://", HTTPAdapter(pool_maxsize=connections, max_retries=0))

    def send(self, parcel: Parcel) -> str:
        """Hand one text over. Kannel gives no id of its own: ours comes back with its reports."""
        # %d is Kannel's own escape for the kind of report; nothing else may hold a per cent sign.
        report = urlencode({"secret": self._secret, "id": parcel.id}) + "&type=%d"
        asked = self._fixed | {
            "to": parcel.to,
            "text": parcel.text,
            "charset": "UTF-8",
            "coding": "0" if is_gsm7(parcel.text) else "2",
            "dlr-mask": str(_REPORTS_WANTED),
            "dlr-url": f"{self._report_url}?{report}",
        }
        if parcel.mode is Mode.FLASH:
            asked["mclass"] = "0"
        # A query, for smsbox refuses form posts ("Invalid content-type", Kannel 1.4.5). As it holds
        # the password, no redirect takes it elsewhere and no failure that shows it goes further.
        try:
            answer = self._session.get(
                self._url, params=asked, timeout=TIMEOUTS, allow_redirects=False
            )
        except requests.RequestException as lost:
            raise _unanswered(lost) from None
        if answer.status_code != requests.codes.accepted:
            raise _judged(answer)
        return parcel.id

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
    detail = f"kannel {answer.status_code}: {answer.text[:60].strip()}"
    if answer.status_code == requests.codes.bad_request:
        return Never(detail)
    # 503 is smsbox's own "try again later"; what else answers may have passed it on.
    refused = 300 <= answer.status_code < 500  # noqa: PLR2004
    if refused or answer.status_code == requests.codes.unavailable:
        return TryLater(detail)
    return Unsure(detail)
