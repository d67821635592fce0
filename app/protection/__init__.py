"""Protection of the ways in: secrets, wrong guesses, addresses of clients, limits."""
