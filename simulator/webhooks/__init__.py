"""HTTP requests to the product: signed webhooks, retried callbacks, TwiML answers."""
