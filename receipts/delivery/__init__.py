"""A receipt on its way out: routing, lifecycle, digests, notifications."""
