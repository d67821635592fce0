"""The business: subscriptions, delivery reports, receipts and charges."""
