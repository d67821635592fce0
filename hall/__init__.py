"""The online service hall: a customer at a browser."""
