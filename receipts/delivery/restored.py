"""Receipts of a restored store that the lost one has perhaps sent already."""

import datetime as dt

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import ReceiptOutcome
from receipts.ports.restore_gap import RestoreGap

#: A report may come so long after the outcome that it tells.
_LATEST_REPORT = dt.timedelta(days=1)


def perhaps_sent(receipt: Receipt, gap: RestoreGap) -> bool:
    """Whether a due receipt may have been sent before the store was lost.

    It was waiting at the backup's moment, or it tells of a text of the gap, for which a report was
    sent again. A step of sending since the restore has settled that: a look-up, or an act of staff.
    """
    if any(step.at > gap.restored_at for step in receipt.send_log):
        return False
    if receipt.created_at <= gap.restored_at:
        return True
    told = receipt.text_done
    if receipt.outcome is ReceiptOutcome.NO_ANSWER:
        told = receipt.text_sent
    earliest = gap.since - _LATEST_REPORT
    return told is not None and earliest <= told.at <= gap.lost_at
