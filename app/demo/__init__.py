"""Routes of the simulated phones, for trials alone."""
