"""The web server: whole requests, read under limits of size and time, go to a few threads."""
