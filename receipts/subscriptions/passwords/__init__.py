"""Service passwords: rules of new ones, and verification of stored digests."""
