"""A mobile network behind the modem: reports in any order, early, twice or never."""

import random
from collections import defaultdict
from dataclasses import dataclass, field

from tests.support.modem.device import Modem, Sent, report_of

DELIVERED, EXPIRED = 0x00, 0x46

#: Shares of the texts, in per cent.
_EARLY, _LOST, _TWICE = 3, 3, 3

#: Reports that are on their way at once; the next one to arrive is any of them.
_ON_THE_WAY = 40


@dataclass
class Network:
    """Decides a fate for each text of a modem; the same seed decides the same."""

    modem: Modem
    seed: int = 14
    #: What was reported of each text, by recipient and wording: a repeated text has two.
    fates: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    _on_the_way: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self.modem.early = self._take

    def _take(self, sent: Sent) -> list[bytes]:
        """Return what arrives before the acknowledgement of a text."""
        if not sent.submit.wants_report:
            return []
        status = self._chance.choice((DELIVERED, EXPIRED))
        report, manner = report_of(sent, status), self._manner()
        if manner != "lost":
            self.fates[sent.submit.to, sent.submit.said].add(status)
        if manner == "early":
            return [report]
        self._on_the_way += {"lost": [], "twice": [report, report]}.get(manner, [report])
        while len(self._on_the_way) > _ON_THE_WAY:
            self._arrive()
        return []

    def _manner(self) -> str:
        manners = ("early", "lost", "twice", "once")
        shares = (_EARLY, _LOST, _TWICE, 100 - _EARLY - _LOST - _TWICE)
        return self._chance.choices(manners, shares)[0]

    def _arrive(self) -> None:
        place = self._chance.randrange(len(self._on_the_way))
        self.modem.deliver([self._on_the_way.pop(place)])

    def finish(self) -> None:
        """Let all reports arrive that are on their way."""
        while self._on_the_way:
            self._arrive()
        self.modem.until(lambda: self.modem.delivered)
