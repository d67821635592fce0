"""Parts of the demo: its settings, and the routes of its simulated phones."""
