"""Prices and charges: tariffs, the ledger's lines, a tariff's simulation."""
