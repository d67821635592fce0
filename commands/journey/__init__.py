"""The command `journey`: one text from its reports to its charge."""
