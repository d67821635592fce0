"""The commands that keep the store: backup, restore, check, upgrade."""
