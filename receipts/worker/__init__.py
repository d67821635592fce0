"""The process that sends: outbox, rate limits, circuit breakers, timers."""
