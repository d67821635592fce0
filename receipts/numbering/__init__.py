"""The numbering plan: network and home province of a number."""
