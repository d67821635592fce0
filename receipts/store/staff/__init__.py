"""Stores of staff: accounts, rule books, and lists of acts at counters."""
