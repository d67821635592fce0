"""Pretend Twilio Voice: fetches TwiML from the product and performs it to the caller."""
