"""Ports: the interfaces of store, provider and clock."""
