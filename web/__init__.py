"""Web pages for customers."""
