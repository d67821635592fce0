"""The rule book: provinces, prices, keywords and promotions as checked data."""
