"""Webhook URLs of the account's numbers at Twilio."""

from dataclasses import dataclass

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.incoming_phone_number import IncomingPhoneNumberInstance

from receipts.ports.provider import PermanentError, TemporaryError
from receipts.providers.twilio_http import SdkHttpClient

#: Twilio retries a failed webhook only when its URL asks for it, in a fragment that is neither
#: sent nor signed (docs: webhook connection overrides).
_RETRY, _RETRY_LONGER = "#rc=2&rp=5xx,ct,rt", "#rc=5&rp=all"

#: Most digits of a short code.
_SHORT_CODE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Webhook URLs of one number: empty where unset, None where it has no such event."""

    texts: str
    calls: str | None = None
    call_status: str | None = None


class WebhookConfigurator:
    """Reads and sets the webhooks of one account's numbers and short codes."""

    def __init__(self, account: str, credentials: tuple[str, str], api_url: str) -> None:
        http = SdkHttpClient(api_url, connections=1)
        self._client = Client(*credentials, account, http_client=http)

    def point(self, number: str, base_url: str) -> tuple[Webhooks, Webhooks]:
        """Point a number's webhooks at ``base_url`` and return them before and after.

        A short code has a webhook for texts alone. Raises Never when the account has no such
        number, and TemporaryError when Twilio refuses or does not answer.
        """
        try:
            return self._point(number, base_url)
        except TwilioRestException as refused:
            raise TemporaryError(f"twilio refused: {refused.status}/{refused.code}") from refused
        except (requests.RequestException, TwilioException) as error:
            # A refused list raises the plain TwilioException, with the response as an argument.
            response = next((each for each in error.args if isinstance(each, Response)), None)
            reason = f"refused: {response.status_code}" if response else type(error).__name__
            raise TemporaryError(f"twilio {reason}") from error

    def _point(self, number: str, base_url: str) -> tuple[Webhooks, Webhooks]:
        texts_url = f"{base_url}/sms{_RETRY}"
        if len(number) <= _SHORT_CODE_DIGITS:
            for code in self._client.short_codes.list(short_code=number, limit=1):
                before = Webhooks(code.sms_url or "")
                now = code.update(sms_url=texts_url, sms_method="POST")
                return before, Webhooks(now.sms_url or "")
        for each in self._client.incoming_phone_numbers.list(phone_number=number, limit=1):
            before = _urls_of(each)
            now = each.update(
                sms_url=texts_url,
                sms_method="POST",
                voice_url=f"{base_url}/voice{_RETRY}",
                voice_method="POST",
                status_callback=f"{base_url}/voice/ended{_RETRY_LONGER}",
                status_callback_method="POST",
            )
            return before, _urls_of(now)
        raise PermanentError(f"the account has no number {number}")


def _urls_of(number: IncomingPhoneNumberInstance) -> Webhooks:
    return Webhooks(number.sms_url or "", number.voice_url or "", number.status_callback or "")
