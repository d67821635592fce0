"""`doctor signature`: which URL a provider signed, and how it differs from the one checked."""
