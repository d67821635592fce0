"""Pure decisions about one customer, the same at every door."""
