"""The business: who holds the service, what became of their texts, which receipts they get."""
