"""Who may carry a receipt: by what a provider can do, how it is doing, and the order of price."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from receipts.lines import Pace
from receipts.model import Mode, Receipt
from receipts.ports import Provider


@dataclass(frozen=True, slots=True)
class Choice:
    """Who carries a receipt, how it is shown, and why not as the customer wants it."""

    provider: Provider
    sent_as: Mode
    fell_back: str | None = None
    #: Whether this receipt tries a provider that was demoted.
    probe: bool = False


class Routes:
    """Providers in the order of price, the cheapest first: for ordinary texts, and for flash.

    One provider may stand for a list of one. ``paces`` are by the provider's name; without one
    it is used as fast as it goes.
    """

    def __init__(
        self,
        text: Provider | Sequence[Provider],
        flash: Provider | Sequence[Provider] | None = None,
        paces: Mapping[str, Pace] | None = None,
    ) -> None:
        self.text = _order(text)
        # Flash asked of who cannot flash would arrive as something else, unsaid.
        self.flash = tuple(each for each in _order(flash) if each.abilities.flash)
        self.paces = dict(paces or {})

    @property
    def names(self) -> tuple[str, ...]:
        """All providers' names, each once."""
        return tuple(dict.fromkeys(each.name for each in (*self.flash, *self.text)))

    def named(self, name: str | None) -> Provider | None:
        """The provider that took something, by its name."""
        return next((each for each in (*self.flash, *self.text) if each.name == name), None)

    def choose(
        self,
        receipt: Receipt,
        closed: Collection[str] = (),
        try_it: Callable[[str], bool] = lambda _: False,
    ) -> Choice | None:
        """Who carries this receipt now; None while all who could are out of use.

        ``closed`` are the demoted ones; ``try_it`` says whether one of them may be tried with it.
        """
        for provider, sent_as in self._ways(receipt):
            probe = provider.name in closed
            if not probe or try_it(provider.name):
                why = self._why_ordinary(receipt, sent_as, provider)
                return Choice(provider, sent_as, why, probe)
        return None

    def spare(self, closed: Collection[str]) -> bool:
        """Whether some provider takes whatever the demoted ones cannot."""
        return any(each.name not in closed for each in self.text)

    def lane(self, receipt: Receipt) -> str:
        """Whose line a receipt waits for when nobody can take it."""
        first = next((each.name for each, _ in self._ways(receipt)), None)
        return first or self.text[0].name

    def others(self, receipt: Receipt) -> bool:
        """Whether anybody is left who has not refused it for good."""
        return next(self._ways(receipt), None) is not None

    def _ways(self, receipt: Receipt) -> Iterator[tuple[Provider, Mode]]:
        flash = self.flash if receipt.mode is Mode.FLASH else ()
        ways = [*((each, Mode.FLASH) for each in flash), *((each, Mode.TEXT) for each in self.text)]
        return (way for way in ways if way[0].name not in receipt.refused_by)

    def _why_ordinary(self, receipt: Receipt, sent_as: Mode, provider: Provider) -> str | None:
        if sent_as is receipt.mode:
            return None
        if not self.flash:
            return "no provider for flash: sent as ordinary"
        names = " and ".join(each.name for each in self.flash)
        return f"no flash by {names} just now: sent as ordinary by {provider.name}"


def _order(given: Provider | Sequence[Provider] | None) -> tuple[Provider, ...]:
    if given is None:
        return ()
    return tuple(given) if isinstance(given, Sequence) else (given,)
