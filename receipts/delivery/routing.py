"""Choice of a provider by capability, circuit breaker and price order."""

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode
from receipts.ports.provider import Provider


class Route(Struct, frozen=True):
    """Provider of a receipt, its display mode, and the reason if that is not the chosen one."""

    provider: Provider
    sent_as: DisplayMode
    fallback_reason: str | None = None
    #: Whether this receipt is the trial of a half-open circuit breaker.
    trial: bool = False


class Router:
    """Providers for ordinary text and for flash, each in price order, cheapest first.

    ``former`` names providers removed from the settings; their backlog is still sent.
    """

    def __init__(
        self, text: Sequence[Provider], flash: Sequence[Provider] = (), former: Sequence[str] = ()
    ) -> None:
        self.text = tuple(text)
        # A provider without flash would silently send ordinary text.
        self.flash = tuple(each for each in flash if each.capabilities.flash)
        as_text = tuple((each, DisplayMode.TEXT) for each in self.text)
        as_flash = tuple((each, DisplayMode.FLASH) for each in self.flash)
        self._by_mode = {DisplayMode.TEXT: as_text, DisplayMode.FLASH: (*as_flash, *as_text)}
        self._by_name = {each.name: each for each in (*self.flash, *self.text)}
        self.names = tuple(self._by_name)
        self.former = tuple(name for name in former if name not in self.names)

    def by_name(self, name: str | None) -> Provider | None:
        """The provider of this name, None if it is not configured."""
        return self._by_name.get(name or "")

    def choose(
        self,
        receipt: Receipt,
        unavailable: Collection[str] = (),
        try_half_open: Callable[[str], bool] = lambda _: False,
    ) -> Route | None:
        """Choose a route; None if the breaker of every candidate is open.

        ``unavailable`` names providers with an open breaker; ``try_half_open`` claims a trial.
        """
        chosen: Route | None = None
        for provider, sent_as in self._candidates(receipt):
            if provider.name not in unavailable:
                chosen = chosen or self._route(receipt, provider, sent_as)
            # Spare providers have trials too, unless the display mode would change:
            # their breaker then closes before they are needed.
            elif (chosen is None or sent_as is receipt.mode) and try_half_open(provider.name):
                return replace(self._route(receipt, provider, sent_as), trial=True)
            if chosen and not unavailable:
                break
        return chosen

    def has_fallback(self, unavailable: Collection[str]) -> bool:
        """Whether an available provider takes ordinary text, the fallback of every receipt."""
        return any(each.name not in unavailable for each in self.text)

    def queue_for(self, receipt: Receipt) -> str:
        """Name of the backlog in which a receipt without a route is deferred."""
        first = next((each.name for each, _ in self._candidates(receipt)), None)
        return first or self.text[0].name

    def has_alternative(self, receipt: Receipt) -> bool:
        """Whether any provider has not refused this receipt permanently."""
        return bool(self._candidates(receipt))

    def _candidates(self, receipt: Receipt) -> Sequence[tuple[Provider, DisplayMode]]:
        candidates, refused = self._by_mode[receipt.mode], receipt.refused_by
        return [each for each in candidates if each[0].name not in refused]

    def _route(self, receipt: Receipt, provider: Provider, sent_as: DisplayMode) -> Route:
        reason = None if sent_as is receipt.mode else "no provider for flash: sent as ordinary"
        if reason and self.flash:
            names = " and ".join(each.name for each in self.flash)
            reason = f"no flash by {names} just now: sent as ordinary by {provider.name}"
        return Route(provider, sent_as, reason)
