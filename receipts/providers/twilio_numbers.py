"""The account's numbers at Twilio: where their calls and texts are sent to."""

from dataclasses import dataclass

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.response import Response
from twilio.rest import Client

from receipts.ports import Never, TryLater
from receipts.providers.twilio_http import SdkHttp

#: Twilio repeats a failed request only when the address asks for it, in a fragment that it
#: neither sends nor signs (docs: webhook connection overrides).
_REPEATED, _REPEATED_LONGER = "#rc=2&rp=5xx,ct,rt", "#rc=5&rp=all"

#: The longest that is a short code; anything longer is a whole number.
_SHORT = 6


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Where one number's events go; empty where they go nowhere, None where it has no such."""

    texts: str
    calls: str | None = None
    call_status: str | None = None


def webhooks_at(base_url: str) -> Webhooks:
    """The addresses of this service's doors, as they are to be set at Twilio."""
    return Webhooks(
        f"{base_url}/sms{_REPEATED}",
        f"{base_url}/voice{_REPEATED}",
        f"{base_url}/voice/ended{_REPEATED_LONGER}",
    )


class TwilioNumbers:
    """Reads and sets the webhooks of one account's numbers and short codes."""

    def __init__(self, account: str, credentials: tuple[str, str], api_url: str) -> None:
        http = SdkHttp(api_url.rstrip("/"), connections=1)
        self._client = Client(*credentials, account, http_client=http)

    def point(self, number: str, base_url: str) -> tuple[Webhooks, Webhooks]:
        """Send a number's calls and texts to the doors at ``base_url``: what was set, what is now.

        A short code has texts alone. Raises Never when the account has no such number, TryLater
        when Twilio does not answer or refuses.
        """
        try:
            return self._point(number, webhooks_at(base_url))
        except TwilioRestException as refused:
            raise TryLater(f"twilio refused: {refused.status}/{refused.code}") from refused
        except (requests.RequestException, TwilioException) as lost:
            # A list that is refused comes without a code, with the whole answer beside the words.
            answer = next((each for each in lost.args if isinstance(each, Response)), None)
            said = f"refused: {answer.status_code}" if answer else type(lost).__name__
            raise TryLater(f"twilio {said}") from lost

    def _point(self, number: str, doors: Webhooks) -> tuple[Webhooks, Webhooks]:
        if len(number) <= _SHORT:
            for code in self._client.short_codes.list(short_code=number, limit=1):
                was = Webhooks(code.sms_url or "")
                now = code.update(sms_url=doors.texts, sms_method="POST")
                return was, Webhooks(now.sms_url or "")
        for held in self._client.incoming_phone_numbers.list(phone_number=number, limit=1):
            was = Webhooks(held.sms_url or "", held.voice_url or "", held.status_callback or "")
            now = held.update(
                sms_url=doors.texts,
                sms_method="POST",
                voice_url=doors.calls,
                voice_method="POST",
                status_callback=doors.call_status,
                status_callback_method="POST",
            )
            return was, Webhooks(now.sms_url or "", now.voice_url or "", now.status_callback or "")
        raise Never(f"the account has no number {number}")
