"""The reference page: one Flask route with a constant answer."""

from flask import Flask, Response

app = Flask(__name__)

_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response><Message>ok</Message></Response>'


@app.post("/sms")
def sms() -> Response:
    return Response(_TWIML, content_type="text/xml; charset=utf-8")
