"""What the business needs from outside: store, provider, clock."""
