"""Which numbers a process has met as customers: one bit each, so that millions have room."""

import mmap
from collections.abc import Iterable

from receipts.model import Msisdn

#: With ten million customers in mind, three of four others still read as not met.
_BITS = 1 << 25


class Acquainted:
    """Only spares questions: who left no mark may be a customer, and who left one may be none.

    Two numbers may share a mark, and two threads that leave one at once may lose it.
    """

    def __init__(self) -> None:
        # Zeros that take room only where a mark is left.
        self._marks = mmap.mmap(-1, _BITS // 8)

    def __contains__(self, number: Msisdn) -> bool:
        place = hash(number) % _BITS
        return bool(self._marks[place >> 3] & 1 << (place & 7))

    def remember(self, numbers: Iterable[Msisdn]) -> None:
        """Mark these as met."""
        for number in numbers:
            place = hash(number) % _BITS
            self._marks[place >> 3] |= 1 << (place & 7)
