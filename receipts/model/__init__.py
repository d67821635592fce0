"""The domain model: frozen values and records."""
