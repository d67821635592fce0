"""The command `twilio`: names what stops the first text, and points the account here."""
