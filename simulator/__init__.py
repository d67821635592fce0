"""The pretend network around the product: phones, a message centre, a hotline, providers.

It knows nothing of the product's insides and speaks to it as a real network does: over HTTP,
signed.
"""
