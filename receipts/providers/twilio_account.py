"""Resources of a Twilio account, read only: each is read once, or named as unreadable."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response
from twilio.rest import Client

from receipts.providers.twilio_http import SdkHttpClient

#: Seconds to connect and to answer; a plan makes about fifteen requests, one after another.
TIMEOUTS_SECONDS = (3.05, 6.0)

#: Most records of a list: numbers, services, verified callers.
_MOST_RECORDS = 200

#: Most Messaging Services that are looked through for a number.
_MOST_SERVICES = 50

_NOT_FOUND = 404

#: Raised by the SDK for a response that is no JSON, or has an unexpected shape.
SHAPE_ERRORS = (ValueError, TypeError, AttributeError, KeyError)


class UnreadableError(Exception):
    """A resource cannot be read: nothing is known of it."""

    def __init__(self, resource: str, reason: str, status: int = 0, code: int = 0) -> None:
        super().__init__(f"{resource}: {reason}")
        self.resource = resource
        self.reason = reason
        self.status = status
        self.code = code


class TwilioAccount:
    """Reads one account. Methods return the SDK's instances, and raise UnreadableError.

    ``token`` reads the account itself, which a standard API key may not.
    """

    def __init__(
        self, sid: str, credentials: tuple[str, str], api_url: str, token: str = ""
    ) -> None:
        self._http = http = SdkHttpClient(api_url, 1, TIMEOUTS_SECONDS)
        self._client = Client(*credentials, sid, http_client=http)
        self._owner = Client(sid, token, sid, http_client=http) if token else self._client
        self._sid = sid
        self._known: dict[str, Any] = {}

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()

    def account(self) -> Any:  # noqa: ANN401 - the SDK has no stubs; so in all methods
        """The account: its type, status and owner."""
        return self._read("the account", self._owner.api.v2010.accounts(self._sid).fetch)

    def balance(self) -> Any:  # noqa: ANN401
        """The balance: amount and currency."""
        return self._read("the balance", self._owner.balance.fetch)

    def try_key(self) -> None:
        """Read one number, as the sending credentials allow."""
        numbers = self._client.incoming_phone_numbers
        self._read("the numbers", lambda: numbers.list(limit=1))

    def numbers(self, number: str) -> list[Any]:
        """Numbers of the account with these digits, or short codes: none or one."""
        is_number = number.startswith("+")
        lists = self._client.incoming_phone_numbers if is_number else self._client.short_codes
        name = "phone_number" if is_number else "short_code"
        found = self._read(f"the number {number}", lambda: lists.list(**{name: number}, limit=20))
        # Twilio matches parts of numbers too.
        return [each for each in found if getattr(each, name) in {number, None}]

    def verified_callers(self) -> frozenset[str]:
        """Numbers that a trial account may text and call."""
        callers = self._client.outgoing_caller_ids
        found = self._read("the verified callers", lambda: callers.list(limit=_MOST_RECORDS))
        return frozenset(str(each.phone_number) for each in found)

    def service(self, sid: str) -> Any:  # noqa: ANN401
        """A Messaging Service, None if the account has no such one."""
        services = self._client.messaging.v1.services
        return self._read(f"the Messaging Service {sid}", services(sid).fetch, missing=True)

    def services(self) -> list[Any]:
        """The Messaging Services of the account."""
        services = self._client.messaging.v1.services
        read = self._read("the Messaging Services", lambda: services.list(limit=_MOST_SERVICES))
        return cast("list[Any]", read)

    def senders(self, service: str) -> list[str]:
        """Numbers and short codes of a Messaging Service."""
        pool = self._client.messaging.v1.services(service)

        def read() -> list[str]:
            numbers = pool.phone_numbers.list(limit=_MOST_RECORDS)
            codes = pool.short_codes.list(limit=_MOST_RECORDS)
            return [str(n.phone_number) for n in numbers] + [str(c.short_code) for c in codes]

        return cast("list[str]", self._read(f"the senders of {service}", read))

    def campaigns(self, service: str) -> list[Any]:
        """A2P 10DLC campaigns of a Messaging Service."""
        campaigns = self._client.messaging.v1.services(service).us_app_to_person
        read = self._read(f"the A2P campaigns of {service}", lambda: campaigns.list(limit=20))
        return cast("list[Any]", read)

    def brands(self) -> list[Any]:
        """A2P 10DLC brands of the account."""
        brands = self._client.messaging.v1.brand_registrations
        return cast("list[Any]", self._read("the A2P brands", lambda: brands.list(limit=20)))

    def verifications(self, number_sid: str) -> list[Any]:
        """Verifications of a toll-free number."""
        found = self._client.messaging.v1.tollfree_verifications
        read = self._read(
            "the toll-free verifications",
            lambda: found.list(tollfree_phone_number_sid=number_sid, limit=20),
        )
        return cast("list[Any]", read)

    def may_text(self, country: str) -> bool | None:
        """Whether texts to a country are enabled; None if Twilio does not say."""
        permissions = self._client.accounts.v1.messaging_geopermissions
        found = self._read(
            f"the permission of texts to {country}", lambda: permissions.fetch(country).permissions
        )
        rows = [each for each in found or () if each.get("country_code") == country]
        return bool(rows[0].get("enabled")) if rows else None

    def may_call(self, country: str) -> bool:
        """Whether calls to a country's ordinary numbers are enabled."""
        countries = self._client.voice.v1.dialing_permissions.countries
        found = self._read(f"the permission of calls to {country}", countries(country).fetch)
        return bool(found.low_risk_numbers_enabled)

    def bundle(self, sid: str) -> Any:  # noqa: ANN401
        """A regulatory bundle, None if the account has no such one."""
        bundles = self._client.numbers.v2.regulatory_compliance.bundles
        return self._read(f"the bundle {sid}", bundles(sid).fetch, missing=True)

    def profiles(self) -> list[Any]:
        """Customer profiles of the business, at Trust Hub."""
        profiles = self._client.trusthub.v1.customer_profiles
        read = self._read("the customer profiles", lambda: profiles.list(limit=_MOST_RECORDS))
        return cast("list[Any]", read)

    def application(self, sid: str) -> Any:  # noqa: ANN401
        """A TwiML application, None if the account has no such one."""
        fetch = self._client.applications(sid).fetch
        return self._read(f"the application {sid}", fetch, missing=True)

    def _read(self, resource: str, read: Callable[[], Any], *, missing: bool = False) -> Any:  # noqa: ANN401
        """The resource, read once; a second reader gets the same result or error."""
        if resource not in self._known:
            self._known[resource] = _attempt(resource, read, missing=missing)
        found = self._known[resource]
        if isinstance(found, UnreadableError):
            raise found
        return found


def _attempt(resource: str, read: Callable[[], Any], *, missing: bool) -> Any:  # noqa: ANN401
    try:
        return read()
    except (TwilioRestException, TwilioServiceException) as refused:
        if missing and refused.status == _NOT_FOUND:
            return None
        return _refused(resource, refused.status, refused.code or 0)
    except TwilioException as error:
        # A refused list raises the plain TwilioException, with the response as an argument.
        for each in error.args:
            if isinstance(each, Response):
                return _refused(resource, each.status_code, _code_of(each))
    except requests.RequestException as error:
        return UnreadableError(resource, f"no answer ({type(error).__name__})")
    except SHAPE_ERRORS:
        pass
    return UnreadableError(resource, "the answer cannot be read")


def _refused(resource: str, status: int, code: int) -> UnreadableError:
    # Without a code in the body, the SDK repeats the status.
    code = 0 if code == status else code
    return UnreadableError(
        resource, f"HTTP {status}" + (f", error {code}" if code else ""), status, code
    )


def _code_of(response: Response) -> int:
    with suppress(*SHAPE_ERRORS):
        return int(json.loads(response.text)["code"])
    return 0
