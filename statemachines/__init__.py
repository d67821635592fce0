"""State tables of calls, texts, subscriptions, receipts and providers."""
