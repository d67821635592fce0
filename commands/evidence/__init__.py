"""Signed daily roots of all consent entries, and the comparison of the store with kept roots."""
