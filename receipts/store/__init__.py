"""The memory of the business: one server, one script, all or nothing."""
