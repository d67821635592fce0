"""The pretend Twilio account: its numbers, registrations and planted faults."""
