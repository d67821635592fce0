"""The 7500 line: a texter."""
