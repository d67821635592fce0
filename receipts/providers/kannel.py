"""Kannel: a carrier's own line, and the only one of ours that can flash (message class 0)."""

import datetime as dt
import re
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from receipts.delivery import Told
from receipts.model import Fate, Mode
from receipts.ports import Abilities, Never, NotHere, Parcel, SendingFailure, TryLater, Unsure
from receipts.providers.message_centre import fate_of
from receipts.providers.wire import NoAnswer, NotReached, Wire
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

#: Seconds to connect and to wait for an answer.
TIMEOUTS = (3.05, 10.0)

_HEADERS = "Accept: */*\r\nConnection: keep-alive\r\nUser-Agent: sms-receipt\r\n"

#: What its statuses mean is below; 202 alone is a yes.
_ACCEPTED, _BAD_REQUEST, _UNAVAILABLE = 202, 400, 503

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
    ) -> None:
        url = url.rstrip("/")
        if not url.endswith("/sendsms"):
            url += "/cgi-bin/sendsms"
        user, password = credentials
        fixed = {
            "username": user,
            "password": password,
            "from": sender,
            "charset": "UTF-8",
            "dlr-mask": str(_REPORTS_WANTED),
        }
        if smsc:
            fixed["smsc"] = smsc
        # %d and %A are Kannel's own escapes, for the kind of report and for the centre's word;
        # nothing else may hold a per cent sign.
        report = f"{public_url.rstrip('/')}/kannel/report?{urlencode({'secret': secret})}&id="
        # All that is the same for every text is quoted once, here.
        path = quote(urlsplit(url).path, safe="/%")
        self._before = f"{path}?{urlencode(fixed)}&dlr-url={quote_plus(report)}"
        self._after = quote_plus("&type=%d&answer=%A")
        self._wire = Wire(url, TIMEOUTS, _HEADERS)

    def send(self, parcel: Parcel) -> str:
        """Hand one text over. Kannel gives no id of its own: ours comes back with its reports."""
        # A query, for it is what every Kannel takes; smsbox refuses form posts ("Invalid
        # content-type", 1.4.5). As it holds the password, no redirect takes it elsewhere and no
        # failure that shows it goes further.
        try:
            status, said = self._wire.get(self._asked(parcel), parcel.by)
        except NotReached as lost:
            raise TryLater(f"kannel not reached: {lost}") from None
        except NoAnswer as lost:
            raise Unsure(f"kannel gave no answer: {lost}") from None
        if status != _ACCEPTED:
            raise _judged(status, said.decode(errors="replace"))
        # "0: Accepted for delivery" or, while the line is down, "3: Queued for later delivery":
        # either way Kannel holds it on its own disk now, and nobody else may send it.
        return parcel.id

    def _asked(self, parcel: Parcel) -> str:
        """How a text is to be sent, and where its reports go: path and query."""
        ident = quote_plus(quote_plus(parcel.id))
        coding = "0" if is_gsm7(parcel.text) else "2"
        flash = "&mclass=0" if parcel.mode is Mode.FLASH else ""
        return (
            f"{self._before}{ident}{self._after}&to={quote_plus(parcel.to)}"
            f"&text={_quoted(parcel.text)}&coding={coding}{flash}"
        )

    def find(self, parcel: Parcel, since: dt.datetime, known: frozenset[str]) -> str | None:
        """Kannel cannot tell; only its report can. Never asked, since ``lookup`` is False."""
        raise NotImplementedError


def _quoted(text: str) -> str:
    """Every octet escaped: a letter needs none of it, but so no octet has to be looked at."""
    return "%" + text.encode().hex("%") if text else ""


def _judged(status: int, body: str) -> SendingFailure:
    """What a refusal means. Kannel answers 202 only when it has taken the text."""
    said = body[:_LONGEST_WORD].strip()
    detail = f"kannel {status}: {said}"
    if _NOT_ROUTABLE in said:
        return NotHere(detail)
    if status == _BAD_REQUEST:
        return Never(detail)
    # Others may stand between us and Kannel: what they say after our words went through is no
    # proof that Kannel did not get them. 503 is everybody's word for "not taken, try again".
    if status < 300 or (status >= 500 and status != _UNAVAILABLE):  # noqa: PLR2004 - families
        return Unsure(detail)
    # The rest is a matter of set-up (password, address, pace): it can be mended while we wait.
    return TryLater(detail)
