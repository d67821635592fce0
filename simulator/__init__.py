"""Pretend network of phones, Twilio and Kannel; speaks only HTTP to the product."""
