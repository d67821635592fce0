"""Texts that phones send: handed over to the service, or carried to a friend and reported."""

from time import gmtime, strftime, time
from uuid import uuid4

from simulator.callbacks import Callbacks, spacing
from simulator.couriers import Couriers, Errand
from simulator.doors import BUDGET, Answer, Doors, NoAnswer
from simulator.fates import Fate, Fates
from simulator.gsm import segments
from simulator.numbering import e164, is_service
from simulator.phones import Phones
from simulator.settings import Settings
from simulator.twiml import NotTwiml, replies

LONGEST = 1600

# The provider sends at most ten replies for one incoming text.
_MOST_REPLIES = 10


class Texts:
    """Takes a phone's text; from then on its way is a matter of errands."""

    def __init__(
        self,
        settings: Settings,
        phones: Phones,
        fates: Fates,
        couriers: Couriers,
        callbacks: Callbacks,
        doors: Doors,
    ) -> None:
        self._settings = settings
        self._phones = phones
        self._fates = fates
        self._couriers = couriers
        self._callbacks = callbacks
        self._doors = doors

    def send(self, sender: str, to: str, body: str) -> str:
        """Take a text from a phone and return its id."""
        self._phones.need_on(sender)
        message = f"SM{uuid4().hex}"
        self._phones.sent_text(sender, to, body, message)
        if to == self._settings.short_code:
            self._couriers.send("text_in", message=message, sender=sender, body=body)
        elif is_service(to):
            self._phones.note(
                sender, to, f"没有 {to} 这个短信号码。", f"Nobody takes texts at {to}."
            )
        else:
            self._to_friend(message, sender, to, body)
        return message

    def fate_of(self, number: str) -> Fate:
        """Return what becomes of a text to this number now."""
        if not self._phones.has(number):
            return self._fates.of(number)
        phone = self._phones.get(number)
        if not phone.on:
            return self._fates.switched_off
        return self._fates.ordinary if phone.standing else self._fates.of(number)

    def hand_over(self, errand: Errand) -> float | None:
        """Bring a text to the product's door, and its answer back to the phone."""
        sender, message = errand.data["sender"], errand.data["message"]
        left = BUDGET - (time() - errand.first)
        try:
            answer = self._doors.post(
                self._doors.at("/sms"), self._incoming(errand), message, max(1.0, left)
            )
        except NoAnswer as silence:
            return self._again_or_note(errand, str(silence))
        if answer.again:
            return self._again_or_note(errand, str(answer.status))
        self._bring_back(sender, message, answer)
        return None

    def arrive(self, errand: Errand) -> float | None:
        """Bring a person's text to the friend's phone, if there is one here."""
        data = errand.data
        if self._phones.has(data["to"]):
            self._phones.receive_text(
                data["to"], data["sender"], data["body"], data["message"], "person"
            )
        return None

    def _to_friend(self, message: str, sender: str, to: str, body: str) -> None:
        fate = self.fate_of(to)
        if fate.arrives:
            moment = next((s.after for s in fate.steps if s.status == "delivered"), 0.3)
            self._couriers.send("arrival", moment, message=message, sender=sender, to=to, body=body)
        for step in fate.steps:
            fields = {
                "AccountSid": self._settings.account_sid,
                "ApiVersion": "2010-04-01",
                "From": e164(sender),
                "To": e164(to),
                **status_fields(message, step.status, step.error_code, time() + step.after),
            }
            for _ in range(2 if fate.twice else 1):
                self._callbacks.post(
                    self._doors.at("/messages/status"), fields, step.after, phone=sender
                )

    def _incoming(self, errand: Errand) -> dict[str, str]:
        message, body = errand.data["message"], errand.data["body"]
        return {
            "ToCountry": "CN",
            "ToState": "",
            "SmsMessageSid": message,
            "NumMedia": "0",
            "ToCity": "",
            "FromZip": "",
            "SmsSid": message,
            "FromState": "",
            "SmsStatus": "received",
            "FromCity": "",
            "Body": body,
            "FromCountry": "CN",
            "To": self._settings.short_code,
            "ToZip": "",
            "NumSegments": str(segments(body)),
            "MessageSid": message,
            "AccountSid": self._settings.account_sid,
            "From": e164(errand.data["sender"]),
            "ApiVersion": "2010-04-01",
        }

    def _bring_back(self, sender: str, message: str, answer: Answer) -> None:
        code = self._settings.short_code
        try:
            texts = replies(answer)[:_MOST_REPLIES]
        except NotTwiml as fault:
            self._phones.note(sender, code, f"网络:{fault}", f"network: {fault}")
            return
        for place, text in enumerate(texts):
            self._phones.receive_text(sender, code, text, f"{message}.{place}", "reply")

    def _again_or_note(self, errand: Errand, why: str) -> float | None:
        wait = spacing(errand.attempt)
        if time() - errand.first + wait < BUDGET:
            return wait
        self._phones.note(
            errand.data["sender"],
            self._settings.short_code,
            f"短信未能送到服务台({why})。请稍后再试。",
            f"The text could not be handed to the service ({why}). Please try again later.",
        )
        return None


def status_fields(message: str, status: str, error_code: str, done: float) -> dict[str, str]:
    """Return the fields that every status callback carries."""
    fields = {
        "MessageSid": message,
        "SmsSid": message,
        "MessageStatus": status,
        "SmsStatus": status,
    }
    if error_code:
        fields["ErrorCode"] = error_code
    if status in {"delivered", "undelivered"}:
        # The zone of this field is not stated by the provider; carriers send UTC or local time.
        fields["RawDlrDoneDate"] = strftime("%y%m%d%H%M", gmtime(done))
    return fields
