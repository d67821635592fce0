"""Records as plain values, and the export of all data of one person."""
