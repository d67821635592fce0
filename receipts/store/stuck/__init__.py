"""Lists of receipts that are stuck."""
