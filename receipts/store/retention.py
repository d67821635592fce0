"""How long records are kept."""

from dataclasses import dataclass

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class RetentionSeconds:
    """How long records are kept, in seconds; ``receipts_listed`` is a number of receipts."""

    claims: int = 3 * _DAY
    trails: int = 7 * _DAY
    strangers: int = 2 * 3600
    talks: int = _DAY
    #: Landlines get one reply a month.
    talks_landline: int = 32 * _DAY
    calls: int = _DAY
    #: Longer than a visit, and than the day in which passcodes are counted.
    access: int = 2 * _DAY
    codes: int = 3600
    #: After the last step of a visit at a counter.
    visits: int = 600
    receipts: int = 180 * _DAY
    #: Older ones that have ended leave for the archive.
    receipts_in_store: int = 31 * _DAY
    log: int = 3 * 366 * _DAY
    #: More than a hundred texts on each day that receipts are kept.
    receipts_listed: int = 20_000
