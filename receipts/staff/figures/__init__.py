"""Figures of the service for staff: days, months by province, and texts not understood."""
