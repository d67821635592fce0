"""Pretend phone network: phones, a message centre, Twilio and Kannel; talks HTTP to the product."""
