"""Traces from report to receipt, for OpenTelemetry (the optional extra `otel`)."""
