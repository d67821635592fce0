"""Values and records of the domain, frozen."""
