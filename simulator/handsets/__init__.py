"""The handsets: JSON API of the phone page, and a handset in the terminal."""
