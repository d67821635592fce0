"""What becomes of an accepted provider message, and how its sender is told."""

from time import time

import msgspec

from simulator.callbacks import Callbacks
from simulator.couriers import Couriers, Errand
from simulator.kannel_escapes import fill
from simulator.messages import Message, Messages
from simulator.numbering import canonical, e164
from simulator.phones import Phones
from simulator.settings import Settings
from simulator.texts import Texts, status_fields

# Kannel's report types for the same news.
_KANNEL_TYPES = {"sent": 8, "delivered": 1, "undelivered": 2, "failed": 16}

# How often to look for a message whose acceptance may still be under way.
_LOOKS = 3


class Delivery:
    """Receipts meet the same fates as any text: phones are off and numbers unknown here too."""

    def __init__(
        self,
        settings: Settings,
        phones: Phones,
        messages: Messages,
        couriers: Couriers,
        callbacks: Callbacks,
        texts: Texts,
    ) -> None:
        self._settings = settings
        self._phones = phones
        self._messages = messages
        self._couriers = couriers
        self._callbacks = callbacks
        self._texts = texts

    def accept(self, message: Message) -> None:
        """Take a message for delivery; once this returns it is never forgotten."""
        fate = self._texts.fate_of(canonical(message.to))
        # Errands first: dying in between leaves errands for an unknown message, which do nothing,
        # and not a message that is on record and never delivered.
        for step in fate.steps:
            for turn in range(2 if fate.twice else 1):
                self._couriers.send(
                    "progress",
                    step.after,
                    sid=message.sid,
                    status=step.status,
                    error_code=step.error_code,
                    turn=str(turn),
                )
        self._messages.accept(message)

    def progress(self, errand: Errand) -> float | None:
        """Let one piece of news happen: the phone shows the message, the sender is called."""
        data = errand.data
        message = self._messages.find(data["sid"])
        if message is None:
            return 0.2 if errand.attempt < _LOOKS else None
        status, error_code = data["status"], data["error_code"]
        if status == "delivered" and not self._reach(message):
            status, error_code = "undelivered", "30003"
        self._messages.change(message.sid, status, error_code)
        self._call_back(message, status, error_code)
        return None

    def _reach(self, message: Message) -> bool:
        number = canonical(message.to)
        if not self._phones.has(number):
            # A reachable phone somewhere else in the country: nobody watches its screen here.
            return True
        peer = canonical(message.sender) or message.sender or self._settings.short_code
        if message.flash:
            return self._phones.receive_flash(number, peer, message.body, message.sid)
        return self._phones.receive_text(number, peer, message.body, message.sid, message.api)

    def _call_back(self, message: Message, status: str, error_code: str) -> None:
        if not message.callback:
            return
        number = canonical(message.to)
        phone = number if self._phones.has(number) else ""
        if message.api == "kannel":
            kind = _KANNEL_TYPES[status]
            if message.dlr_mask & kind:
                self._callbacks.get(fill(message, kind), phone=phone)
            return
        fields = {
            "AccountSid": self._settings.account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.sender or self._settings.short_code,
            "To": e164(number),
            **status_fields(message.sid, status, error_code, time()),
        }
        if message.service:
            fields["MessagingServiceSid"] = message.service
        self._callbacks.post(message.callback, fields, phone=phone)


def described(message: Message) -> dict[str, object]:
    """Return what the JSON API says of an accepted message."""
    shown: dict[str, object] = msgspec.to_builtins(message)
    shown["from"] = shown.pop("sender")
    return shown
