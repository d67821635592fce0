"""The wiring: settings, the one place that plugs everything together, and the command line."""
