"""Subscription decisions: pure functions of one customer, shared by all channels."""
