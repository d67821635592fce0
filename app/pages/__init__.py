"""Pages in the browser: cookies of the areas, and the pages for staff."""
