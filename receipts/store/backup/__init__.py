"""Backups: a snapshot of each server, one file, and its way back into a store."""
