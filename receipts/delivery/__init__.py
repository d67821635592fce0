"""Delivery of receipts: routing, lifecycle, digests and notifications."""
