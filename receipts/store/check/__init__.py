"""The check of a whole store: readable records, and references that lead somewhere."""
