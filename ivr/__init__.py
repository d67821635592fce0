"""The 10086 line: a caller with a keypad or a voice."""
