"""The console's page of one customer."""
