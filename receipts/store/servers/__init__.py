"""The servers that hold the store: addresses, Sentinel, and what their refusals mean."""
