"""Pages of receipts that are stuck, and of the providers' circuit breakers."""
