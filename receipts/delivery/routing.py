"""Who may carry a receipt: by what a provider can do, how it is doing, and the order of price."""

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode
from receipts.ports.provider import Provider


class Route(Struct, frozen=True):
    """Who carries a receipt, how it is shown, and why not as the customer wants it."""

    provider: Provider
    sent_as: DisplayMode
    fallback_reason: str | None = None
    #: Whether this receipt tries a provider that was demoted.
    trial: bool = False


class Router:
    """Providers in the order of price, the cheapest first: for ordinary texts, and for flash.

    One provider may stand for a list of one. ``former`` may have been in use before: what waits
    for them is not forgotten.
    """

    def __init__(
        self,
        text: Provider | Sequence[Provider],
        flash: Provider | Sequence[Provider] | None = None,
        former: Sequence[str] = (),
    ) -> None:
        self.text = _order(text)
        # Flash asked of who cannot flash would arrive as something else, unsaid.
        self.flash = tuple(each for each in _order(flash) if each.abilities.flash)
        as_text = tuple((each, DisplayMode.TEXT) for each in self.text)
        as_flash = tuple((each, DisplayMode.FLASH) for each in self.flash)
        self._by_mode = {DisplayMode.TEXT: as_text, DisplayMode.FLASH: (*as_flash, *as_text)}
        self.former = tuple(name for name in former if name not in self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """All providers' names, each once."""
        return tuple(dict.fromkeys(each.name for each in (*self.flash, *self.text)))

    def by_name(self, name: str | None) -> Provider | None:
        """The provider that took something, by its name."""
        return next((each for each in (*self.flash, *self.text) if each.name == name), None)

    def choose(
        self,
        receipt: Receipt,
        closed: Collection[str] = (),
        try_it: Callable[[str], bool] = lambda _: False,
    ) -> Route | None:
        """Who carries this receipt now; None while all who could are out of use.

        ``closed`` are the demoted ones; ``try_it`` says whether one of them may be tried with it.
        """
        chosen: Route | None = None
        for provider, sent_as in self._candidates(receipt):
            if provider.name not in closed:
                chosen = chosen or self._route(receipt, provider, sent_as)
            # One that is not needed just now is tried too, where that changes nothing for the
            # customer: better known to work before it is needed.
            elif (chosen is None or sent_as is receipt.mode) and try_it(provider.name):
                return replace(self._route(receipt, provider, sent_as), trial=True)
            if chosen and not closed:
                break
        return chosen

    def has_fallback(self, closed: Collection[str]) -> bool:
        """Whether some provider takes whatever the demoted ones cannot."""
        return any(each.name not in closed for each in self.text)

    def queue_for(self, receipt: Receipt) -> str:
        """Whose line a receipt waits for when nobody can take it."""
        first = next((each.name for each, _ in self._candidates(receipt)), None)
        return first or self.text[0].name

    def has_alternative(self, receipt: Receipt) -> bool:
        """Whether anybody is left who has not refused it for good."""
        return bool(self._candidates(receipt))

    def _candidates(self, receipt: Receipt) -> Sequence[tuple[Provider, DisplayMode]]:
        ways, refused = self._by_mode[receipt.mode], receipt.refused_by
        return [way for way in ways if way[0].name not in refused] if refused else ways

    def _route(self, receipt: Receipt, provider: Provider, sent_as: DisplayMode) -> Route:
        why = None if sent_as is receipt.mode else "no provider for flash: sent as ordinary"
        if why and self.flash:
            names = " and ".join(each.name for each in self.flash)
            why = f"no flash by {names} just now: sent as ordinary by {provider.name}"
        return Route(provider, sent_as, why)


def _order(given: Provider | Sequence[Provider] | None) -> tuple[Provider, ...]:
    if given is None:
        return ()
    return tuple(given) if isinstance(given, Sequence) else (given,)
