"""Sign-in, rights and layout of the pages for staff."""
