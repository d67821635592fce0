"""Sentences in both languages, receipt texts, and their length in segments."""
