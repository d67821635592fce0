"""Pretend Twilio Messaging: the REST API, and webhooks for texts that phones send."""
