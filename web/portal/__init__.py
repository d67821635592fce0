"""Self-care portal: login by one-time passcode, actions, receipts and charges."""
