"""The gap of a restored store: changes after its backup that were lost."""

import datetime as dt

from msgspec import Struct


class RestoreGap(Struct, frozen=True):
    """Written by a restore, for as long as the store lives.

    ``since`` is by the machine's clock: changes acknowledged before it are in the store. The other
    two are by the service's clock: the loss of the former store, and the restore.
    """

    since: dt.datetime
    lost_at: dt.datetime
    restored_at: dt.datetime
