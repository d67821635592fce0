"""The operator's lists: whose a number is, who left the network, whose fee was collected."""

from receipts.lists.deciding import Lists, Origin
from receipts.lists.rows import (
    COLLECTIONS,
    CUSTOMERS,
    PORTED,
    CollectionRow,
    CustomerRow,
    Listing,
    PortedRow,
    Row,
    RowWrong,
)

__all__ = [
    "COLLECTIONS",
    "CUSTOMERS",
    "PORTED",
    "CollectionRow",
    "CustomerRow",
    "Listing",
    "Lists",
    "Origin",
    "PortedRow",
    "Row",
    "RowWrong",
]
