"""Pretend message centre: phones, messages, and the delivery of each to a phone."""
