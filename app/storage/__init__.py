"""The clients of the store, built from the settings."""
