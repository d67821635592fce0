"""Delivery reports in, receipts out, and a trace of each text."""
