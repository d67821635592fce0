"""Delivery reports of person-to-person texts, and the receipts they give."""
