"""The sms-receipt command line."""
