"""The operator's lists (CSV): customers, ported numbers, collections."""
