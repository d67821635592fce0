"""Rule books of the console, for every process."""
