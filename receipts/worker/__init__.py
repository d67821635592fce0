"""Sending process: outbox consumer, rate limits, circuit breakers and timers."""
