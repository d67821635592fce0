"""The JSON API of the handsets, for the page, the terminal and anybody's own checks."""

import re

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from simulator import asked
from simulator.delivery import described
from simulator.faults import APIS, KINDS, Fault
from simulator.network import Network
from simulator.numbering import canonical
from simulator.texts import LONGEST

_MOST_KEYS = 50
_LONGEST_LABEL = 40
_LONGEST_UTTERANCE = 500
_MOST_FAULTS = 1_000_000
_SLOWEST = 120


def handset_api(network: Network) -> Blueprint:
    """Return the doors under /api."""
    api = Blueprint("handsets", __name__, url_prefix="/api")
    for add in (_phones, _events, _texts_and_power, _calls, _provider):
        add(api, network)
    return api


def _phones(api: Blueprint, network: Network) -> None:
    @api.get("/phones")
    def phones() -> Response:
        return jsonify(
            phones=[phone.shown() for phone in network.phones.all()],
            short_code=network.settings.short_code,
            hotline=network.settings.hotline,
            fates=[
                {"tail": f.tail, "name": f.name, "zh": f.zh, "en": f.en}
                for f in network.fates.table
            ],
            last=network.events.last(),
        )

    @api.post("/phones")
    def add_phone() -> tuple[Response, int]:
        given = asked.body()
        label = asked.text(given, "label", _LONGEST_LABEL, "")
        phone = network.phones.add(asked.mobile(given, "number"), label)
        return jsonify(phone.shown()), 201


def _events(api: Blueprint, network: Network) -> None:
    @api.get("/events")
    def events() -> Response:
        return jsonify(_news(network, None))

    @api.get("/phones/<number>/events")
    def phone_events(number: str) -> Response:
        phone = network.phones.get(_own(number))
        return jsonify({**_news(network, phone.number), "phone": phone.shown()})


def _news(network: Network, phone: str | None) -> dict[str, object]:
    after, wait = asked.since()
    # A watcher from before the data folder was emptied: let it begin again.
    reset = after > network.events.last()
    found = network.events.after(0 if reset else after, phone, wait)
    last = found[-1]["seq"] if found else (0 if reset else after)
    return {"events": found, "last": last, "reset": reset}


def _texts_and_power(api: Blueprint, network: Network) -> None:
    @api.post("/phones/<number>/texts")
    def send(number: str) -> tuple[Response, int]:
        given = asked.body()
        body = asked.text(given, "body", LONGEST)
        to = asked.any_number(given, "to")
        return jsonify(id=network.texts.send(_own(number), to, body), to=to), 202

    @api.post("/phones/<number>/power")
    def power(number: str) -> Response:
        own, on = _own(number), asked.flag(asked.body(), "on")
        phone = network.phones.power(own, on=on)
        if not on and network.calls.busy(own):
            network.calls.hang_up(own)
        return jsonify(phone.shown())

    @api.post("/phones/<number>/flash/dismiss")
    def dismiss(number: str) -> Response:
        own = _own(number)
        network.phones.dismiss_flash(own)
        return jsonify(network.phones.get(own).shown())


def _calls(api: Blueprint, network: Network) -> None:
    @api.post("/phones/<number>/call")
    def dial(number: str) -> tuple[Response, int]:
        given = asked.body()
        withheld = asked.flag(given, "withheld", default=False)
        if asked.any_number(given, "to") != network.settings.hotline:
            raise BadRequest(f"Only {network.settings.hotline} can be called here.")
        return jsonify(call=network.calls.dial(_own(number), withheld=withheld)), 202

    @api.post("/phones/<number>/call/keys")
    def press(number: str) -> Response:
        given, own = asked.body(), _own(number)
        if "speech" in given:
            words = asked.text(given, "speech", _LONGEST_UTTERANCE).strip()
            if not words:
                raise BadRequest("The field 'speech' is empty.")
            return jsonify(heard=int(network.calls.utter(own, words)))
        keys = asked.text(given, "digits", _MOST_KEYS)
        if not re.fullmatch(r"[0-9*#]+", keys):
            raise BadRequest("The field 'digits' may hold 0-9, * and # only.")
        return jsonify(heard=network.calls.press(own, keys))

    @api.post("/phones/<number>/call/hangup")
    def hang_up(number: str) -> Response:
        network.calls.hang_up(_own(number))
        return jsonify(ok=True)


def _provider(api: Blueprint, network: Network) -> None:
    @api.get("/faults")
    def faults() -> Response:
        return jsonify(network.faults.shown())

    @api.post("/faults")
    def put_fault() -> Response:
        given = asked.body()
        name, kind = asked.text(given, "api", 20), asked.text(given, "kind", 20)
        if name not in APIS:
            raise BadRequest(f"The field 'api' must be one of: {', '.join(APIS)}.")
        if kind not in KINDS:
            raise BadRequest(f"The field 'kind' must be one of: {', '.join(KINDS)}.")
        count = asked.amount(given, "count", _MOST_FAULTS, 1)
        seconds = asked.amount(given, "seconds", _SLOWEST, 5 if kind == "slow" else 0)
        reads = asked.flag(given, "reads", default=False)
        network.faults.put(name, Fault(kind, int(count), seconds, reads))
        return jsonify(network.faults.shown())

    @api.get("/messages")
    def messages() -> Response:
        asked_to = request.args.get("to", "")
        to = canonical(asked_to)
        if asked_to and not to:
            raise BadRequest("'to' is no phone number.")
        kept = [m for m in network.messages.newest_first() if not to or canonical(m.to) == to]
        return jsonify(messages=[described(m) for m in kept], counts=network.messages.counts())


def _own(number: str) -> str:
    return canonical(number) or number
