"""Pages of the console with the figures of the service: today, and the months of the provinces."""
