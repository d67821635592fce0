"""The service counter of a shop."""
