"""SMS keywords of the 7500 short code."""
