"""Personal data: exported for its owner, erased on request, and who of the staff looked at it."""
