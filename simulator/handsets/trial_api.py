"""JSON API of the trial: the service's state and clock, a removed phone, a start afresh."""

from flask import Blueprint, Response, jsonify

from simulator.bootstrap import Simulator
from simulator.errors import HandsetError
from simulator.handsets import request_fields as fields


def add_trial(api: Blueprint, simulator: Simulator) -> None:
    """Add the routes that act on the trial as a whole, or take a phone off the page."""
    service = simulator.service

    @api.get("/service")
    def state() -> Response:
        can_start_afresh = simulator.settings.can_start_afresh
        return jsonify(clock=service.refresh(), can_start_afresh=can_start_afresh)

    @api.post("/clock")
    def move_clock() -> Response:
        clock = service.move_clock(fields.json_body(fields.ClockMove).move)
        if clock is None:
            raise HandsetError("这里不能调整时钟。", "The clock cannot be moved here.")
        service.refresh()
        return jsonify(clock=clock)

    @api.post("/afresh")
    def start_afresh() -> tuple[Response, int]:
        fields.json_body(fields.Nothing)
        if not simulator.settings.can_start_afresh:
            zh = "只有用 make run 启动的试用环境才能重新开始。"
            raise HandsetError(zh, "Only a trial that `make run` started can start afresh.")
        simulator.afresh.set()
        return jsonify(ok=True), 202

    @api.post("/phones/<number>/remove")
    def remove_phone(number: str) -> Response:
        fields.json_body(fields.Nothing)
        simulator.phones.get(number)
        if simulator.calls.is_in_call(number):
            simulator.calls.hang_up(number)
        simulator.phones.remove(number)
        service.forget(number)
        return jsonify(ok=True)
