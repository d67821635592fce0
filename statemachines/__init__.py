"""The tables: what may follow what, whole, for calls, texts, subscriptions and receipts."""
