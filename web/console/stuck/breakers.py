"""The form that holds or releases a provider."""

from collections.abc import Iterable

from flask import Response
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.staff import Right
from receipts.worker.hand_switch import SwitchAct
from statemachines.provider import ProviderEvent
from web.console.stuck.desk import StuckDesk, nonce, typed
from web.console.stuck.lists import StuckPages
from web.staff.access import StaffRoute, signed_in

_ACTS = (ProviderEvent.HOLD, ProviderEvent.RELEASE)


class BreakerPages:
    """Switches a circuit breaker by hand, and shows the first page of stuck receipts again."""

    def __init__(self, desk: StuckDesk, overview: StuckPages) -> None:
        self._desk, self._overview = desk, overview

    def routes(self) -> Iterable[StaffRoute]:
        """The one route."""
        right = Right.SWITCH_BREAKERS
        yield StaffRoute("/stuck/breaker", "breaker", right, self.switch, ("POST",))

    def switch(self) -> Response | AnyResponse:
        """Apply the act of the form."""
        event_id, provider, reason = nonce(), typed("provider"), typed("reason")
        event = next((each for each in _ACTS if each == typed("do")), None)
        if event is None:
            return self._refused("unknown", provider)
        if not reason:
            return self._refused("no_reason", provider)
        act = SwitchAct(provider, event, signed_in().name, reason, event_id)
        result = self._desk.breakers.apply(act)
        if result != "done":
            return self._refused(result, provider)
        return self._desk.site.see_other("stuck", done=event.value, provider=provider)

    def _refused(self, why: str, provider: str) -> Response:
        wrong = self._desk.site.text(f"breaker.refused.{why}", provider=provider)
        return self._overview.overview(400 if why in {"no_reason", "unknown"} else 409, wrong=wrong)
