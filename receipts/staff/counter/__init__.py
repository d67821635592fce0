"""The service counter: identity, visits and acts of clerks."""
