"""Acts of staff: accounts, rights and rule books."""
