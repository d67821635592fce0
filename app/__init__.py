"""Settings, wiring and the web application: the composition root."""
