"""Figures of calls: how far each call came, and how it ended; each stage counts once a call."""

from collections.abc import Iterable, Sequence

import structlog

from ivr.call_context import CallContext
from ivr.verbs import Gather, Verb
from receipts.model.figure import CALL, figure
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.ports.clock import Clock
from receipts.ports.store import Store, StoreUnavailableError
from receipts.subscriptions.promotions import CATEGORY_BY_ACTION
from receipts.subscriptions.shared_actions import LANGUAGE_BY_ACTION
from statemachines.call_menu import CallState

_log = structlog.get_logger()

#: Stages of a call, in order, and its possible ends.
BEGUN, MENU, CHOICE, SERVED = "begun", "menu", "choice", "served"
REFUSED, AGENT, SILENCE, WRONG = "refused", "agent", "silence", "wrong"

#: Stages of actions that are committed with the customer, and of the others.
_WITH_CHANGE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("ask", "receipts", "ordinary", "flash"), (CHOICE, SERVED)),
    **dict.fromkeys(("open", "cancel", *CATEGORY_BY_ACTION), (SERVED,)),
}
_BY_ITSELF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("offer", "cancelling", "messages"), (CHOICE,)),
    **dict.fromkeys(("agent", "no_agent"), (AGENT,)),
}

#: Names the shard that counts calls of withheld numbers.
_WITHHELD = Msisdn("+0")


class CallFigures:
    """Counts stages of calls; a call goes on without its figures when the store is away."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def begun(self, sid: str, caller: Msisdn | None, verbs: Sequence[Verb]) -> None:
        """Count a call at its first prompt."""
        prompt = next((each for each in verbs if isinstance(each, Gather)), None)
        greeted = prompt and CallContext.from_link(prompt.link).state is not CallState.LANGUAGE
        second = (MENU,) if greeted else ()
        self._count(sid, caller, (BEGUN, *(second if prompt else (REFUSED,))))

    def acted(self, sid: str, caller: Msisdn, action: str, *, is_silent: bool) -> None:
        """Count an action that changes no customer; most of them reach no new stage."""
        ended = (SILENCE if is_silent else WRONG,) if action == "too_many" else ()
        if stages := _BY_ITSELF.get(action, ended):
            self._count(sid, caller, stages)

    def _count(self, sid: str, caller: Msisdn | None, stages: Iterable[str]) -> None:
        number, now = caller or _WITHHELD, self._clock.now()
        changes = [
            ChangeSet(number, f"figure:{sid}:{stage}", figures=(figure(now, CALL, stage),))
            for stage in stages
        ]
        try:
            self._store.commit_all(changes)
        except StoreUnavailableError as error:
            _log.warning("a stage of a call was not counted", why=str(error))


def new_stages(context: CallContext, action: str) -> tuple[str, ...]:
    """The stages that an action on the customer reaches for the first time in its call."""
    if context.state is CallState.LANGUAGE:
        return (MENU,) if action in LANGUAGE_BY_ACTION else ()
    return tuple(each for each in _WITH_CHANGE.get(action, ()) if each[0] not in context.reached)


def after_stages(context: CallContext, stages: Iterable[str]) -> str:
    """The stages that are counted then, for the next step's context."""
    return context.reached + "".join(each[0] for each in stages)


def is_counted(context: CallContext, action: str) -> bool:
    """Whether an action reaches no stage that is not counted yet."""
    stages = _BY_ITSELF.get(action)
    return stages is not None and all(each[0] in context.reached for each in stages)


def reached_by(context: CallContext, action: str) -> str:
    """The stages that are counted after an action that changes no customer."""
    stages = _BY_ITSELF.get(action, ())
    return after_stages(context, (each for each in stages if each[0] not in context.reached))
