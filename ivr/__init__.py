"""Voice menu of the 10086 hotline."""
