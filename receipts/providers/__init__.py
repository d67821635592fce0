"""Providers that carry our receipts; a vendor's vocabulary stays in its files."""
