"""Delivery reports coming in: verified, parsed and handed to the shared service."""
