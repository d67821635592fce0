"""JSON API of the handsets, for the page, the terminal and checks by script."""

from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from simulator.bootstrap import Simulator
from simulator.errors import HandsetInputError
from simulator.fault_injection import Fault
from simulator.handsets import request_fields as fields
from simulator.handsets.trial_api import add_trial
from simulator.network.numbering import canonical, is_abroad, is_mobile

_DEFAULT_SLOW_SECONDS = 5.0


def handset_api(simulator: Simulator) -> Blueprint:
    """Return the routes under /api."""
    api = Blueprint("handsets", __name__, url_prefix="/api")

    @api.url_value_preprocessor
    def use_canonical_number(_: str | None, values: dict[str, str] | None) -> None:
        if values and "number" in values:
            values["number"] = canonical(values["number"]) or values["number"]

    for add_routes in (
        _add_phones,
        _add_events,
        _add_actions,
        _add_calls,
        _add_provider,
        add_trial,
    ):
        add_routes(api, simulator)
    return api


def _add_phones(api: Blueprint, simulator: Simulator) -> None:
    @api.get("/phones")
    def phones() -> Response:
        return jsonify(
            phones=[phone.to_json() for phone in simulator.phones.all()],
            short_code=simulator.settings.short_code,
            hotline=simulator.settings.hotline,
            fates=[
                {"tail": s.tail, "name": s.name, "zh": s.zh, "en": s.en}
                for s in simulator.scenarios.table
            ],
            last=simulator.events.last(),
        )

    @api.post("/phones")
    def add_phone() -> tuple[Response, int]:
        body = fields.json_body(fields.NewPhone)
        number = fields.phone_number(body.number)
        if not is_mobile(number) and not is_abroad(number):
            zh = "请输入 11 位中国内地手机号码，或以 + 开头的境外号码。"
            en = "The field 'number' must be a mainland mobile of 11 digits, or begin with +."
            raise HandsetInputError(zh, en)
        return jsonify(simulator.phones.add(number, body.label).to_json()), 201


def _add_events(api: Blueprint, simulator: Simulator) -> None:
    @api.get("/events")
    def events() -> Response:
        return jsonify(_poll(simulator, None))

    @api.get("/phones/<number>/events")
    def phone_events(number: str) -> Response:
        phone = simulator.phones.get(number)
        return jsonify({**_poll(simulator, number), "phone": phone.to_json()})


def _poll(simulator: Simulator, phone: str | None) -> dict[str, object]:
    after, wait_seconds = fields.poll_parameters()
    # After a restart of the network its readers begin again.
    reset = simulator.events.is_foreign(after)
    after = 0 if reset else after
    found = simulator.events.after(after, phone, wait_seconds)
    return {"events": found, "last": found[-1]["seq"] if found else after, "reset": reset}


def _add_actions(api: Blueprint, simulator: Simulator) -> None:
    @api.post("/phones/<number>/texts")
    def send_text(number: str) -> tuple[Response, int]:
        body = fields.json_body(fields.NewText)
        to = fields.phone_number(body.to)
        return jsonify(id=simulator.texts.send(number, to, body.body), to=to), 202

    @api.post("/phones/<number>/power")
    def set_power(number: str) -> Response:
        on = fields.json_body(fields.Power).on
        phone = simulator.phones.set_power(number, on=on)
        if not on and simulator.calls.is_in_call(number):
            simulator.calls.hang_up(number)
        return jsonify(phone.to_json())

    @api.post("/phones/<number>/flash/dismiss")
    def dismiss_flash(number: str) -> Response:
        simulator.phones.dismiss_flash(number)
        return jsonify(simulator.phones.get(number).to_json())


def _add_calls(api: Blueprint, simulator: Simulator) -> None:
    @api.post("/phones/<number>/call")
    def dial(number: str) -> tuple[Response, int]:
        body = fields.json_body(fields.NewCall)
        if fields.phone_number(body.to) != simulator.settings.hotline:
            hotline = simulator.settings.hotline
            raise HandsetInputError(
                f"这里只能拨打 {hotline}。", f"Only {hotline} can be called here."
            )
        return jsonify(call=simulator.calls.dial(number, withheld=body.withheld)), 202

    @api.post("/phones/<number>/call/keys")
    def give_input(number: str) -> Response:
        body = fields.json_body(fields.CallInput)
        if body.speech:
            return jsonify(heard=simulator.calls.speak(number, body.speech.strip()))
        if not body.digits:
            raise BadRequest("Send the field 'digits' or the field 'speech'.")
        return jsonify(heard=simulator.calls.press(number, body.digits))

    @api.post("/phones/<number>/call/hangup")
    def hang_up(number: str) -> Response:
        simulator.calls.hang_up(number)
        return jsonify(ok=True)


def _add_provider(api: Blueprint, simulator: Simulator) -> None:
    @api.get("/faults")
    def faults() -> Response:
        return jsonify(simulator.faults.to_json())

    @api.post("/faults")
    def set_fault() -> Response:
        body = fields.json_body(fields.NewFault)
        seconds = body.seconds
        if seconds is None:
            seconds = _DEFAULT_SLOW_SECONDS if body.kind == "slow" else 0.0
        simulator.faults.set(body.api, Fault(body.kind, body.count, seconds, body.reads))
        return jsonify(simulator.faults.to_json())

    @api.get("/account")
    def account() -> Response:
        return jsonify(msgspec.to_builtins(simulator.account.state))

    @api.post("/account")
    def change_account() -> Response:
        wanted = fields.json_body(dict[str, Any])
        try:
            return jsonify(msgspec.to_builtins(simulator.account.change(wanted)))
        except msgspec.ValidationError as error:
            raise BadRequest(f"The account is not right: {error}.") from error

    @api.get("/messages")
    def messages() -> Response:
        recipient = request.args.get("to", "")
        number = fields.phone_number(recipient) if recipient else ""
        kept = simulator.messages.newest_first()
        found = [m for m in kept if not number or canonical(m.to) == number]
        counts = simulator.messages.counts()
        return jsonify(messages=msgspec.to_builtins(found), counts=counts)
