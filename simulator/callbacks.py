"""Status news to the product: tried again, spaced, until taken or two minutes have passed."""

from time import time

import msgspec

from simulator.couriers import Couriers, Errand
from simulator.doors import Answer, Doors, NoAnswer
from simulator.events import Events

# Long enough that a short outage of the doors loses no news.
_PATIENCE = 120.0
_SPACING = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def spacing(attempt: int) -> float:
    """Return how long to wait after so many attempts: longer each time, up to eight seconds."""
    return _SPACING[min(attempt, len(_SPACING)) - 1]


class Callbacks:
    """Every callback is an errand, so it also survives the death of the network itself."""

    def __init__(self, doors: Doors, couriers: Couriers, events: Events) -> None:
        self._doors = doors
        self._couriers = couriers
        self._events = events

    def post(self, url: str, fields: dict[str, str], after: float = 0, phone: str = "") -> None:
        """Promise a signed form post; `phone` is whose story it belongs to."""
        form = msgspec.json.encode(fields).decode()
        self._couriers.send("callback", after, url=url, form=form, phone=phone)

    def get(self, url: str, after: float = 0, phone: str = "") -> None:
        """Promise an unsigned page request, as Kannel makes for its reports."""
        self._couriers.send("callback", after, url=url, phone=phone)

    def run(self, errand: Errand) -> float | None:
        """Make one attempt; ask for another when the door failed and patience is left."""
        try:
            answer = self._call(errand)
        except NoAnswer as silence:
            self._tell(errand, str(silence))
            again = True
        else:
            self._tell(errand, str(answer.status))
            again = answer.again
        tired = time() - errand.first > _PATIENCE
        return spacing(errand.attempt) if again and not tired else None

    def _call(self, errand: Errand) -> Answer:
        url, form = errand.data["url"], errand.data.get("form")
        if form is None:
            return self._doors.get(url, errand.id, signed=False)
        fields = msgspec.json.decode(form, type=dict[str, str])
        return self._doors.post(url, fields, errand.id)

    def _tell(self, errand: Errand, answer: str) -> None:
        phone = errand.data["phone"]
        if not phone:
            return
        fields = msgspec.json.decode(errand.data.get("form", "{}"), type=dict[str, str])
        # The query of a callback may carry the product's secrets: the page shows the path only.
        door = "/" + errand.data["url"].split("?")[0].split("/", 3)[-1]
        self._events.record(
            phone,
            "callback",
            door=door,
            news=fields.get("MessageStatus") or fields.get("CallStatus") or "report",
            to=fields.get("To", ""),
            answer=answer,
            attempt=errand.attempt,
        )
