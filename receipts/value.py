"""What all values of the business have in common."""

from typing import Self

import msgspec


class Value(msgspec.Struct, frozen=True):
    """A thing that never changes: a change of it is a new one.

    It is made in a tenth of the time of a frozen dataclass, and an event makes a dozen of them.
    """

    def but(self, **changes: object) -> Self:
        """The same with some fields changed."""
        return msgspec.structs.replace(self, **changes)
