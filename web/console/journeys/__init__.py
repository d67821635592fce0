"""What the page of a journey shows: the line of time, and the texts that fit."""
