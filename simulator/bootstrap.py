"""Composition root: builds the parts of the network once, for the web application."""

from dataclasses import dataclass, field
from threading import Event

import msgspec

from simulator.account.state import Account, Number, read_account
from simulator.fault_injection import FaultInjector
from simulator.network.delivery import Delivery
from simulator.network.events import EventLog
from simulator.network.job_queue import JobQueue
from simulator.network.messages import MessageLog
from simulator.network.phones import PhoneRegistry
from simulator.network.scenarios import Scenarios
from simulator.service_state import ServiceState
from simulator.settings import SimulatorSettings, SimulatorSettingsError
from simulator.twilio.texts import TextRouter
from simulator.voice.call_control import CallControl
from simulator.webhooks.callbacks import CallbackSender
from simulator.webhooks.client import WebhookClient


@dataclass(frozen=True)
class Simulator:
    """The parts of a running network."""

    settings: SimulatorSettings
    account: Account
    events: EventLog
    phones: PhoneRegistry
    messages: MessageLog
    scenarios: Scenarios
    texts: TextRouter
    calls: CallControl
    delivery: Delivery
    callbacks: CallbackSender
    faults: FaultInjector
    jobs: JobQueue
    service: ServiceState
    #: Set when the page asks to delete all data and start again.
    afresh: Event = field(default_factory=Event)


def build_simulator(settings: SimulatorSettings) -> Simulator:
    """Return a running network with the built-in phones and those of NETWORK_PHONES."""
    events, messages, jobs = EventLog(), MessageLog(), JobQueue()
    phones = PhoneRegistry(events)
    for number in settings.extra_phones:
        phones.add(number)
    scenarios = Scenarios(phones)
    client, account = WebhookClient(settings), _account(settings)
    callbacks = CallbackSender(client, jobs, events)
    texts = TextRouter(settings, account, phones, scenarios, jobs, callbacks, client)
    calls = CallControl(settings, account, phones, events, client, callbacks)
    delivery = Delivery(settings.short_code, phones, messages, scenarios, jobs)
    channels = (texts, calls, delivery, callbacks, FaultInjector())
    service = ServiceState(settings, phones, events)
    return Simulator(
        settings, account, events, phones, messages, scenarios, *channels, jobs, service
    )


def _account(settings: SimulatorSettings) -> Account:
    """Return the account with its senders; the short ones are set up, as a carrier does it."""
    url = settings.public_url
    numbers = {
        each: Number()
        if each.startswith("+")
        else Number(
            sms_url=f"{url}/sms", voice_url=f"{url}/voice", status_callback=f"{url}/voice/ended"
        )
        for each in sorted(settings.senders)
    }
    try:
        return read_account(settings.account, numbers, settings.messaging_service)
    except msgspec.MsgspecError as error:
        raise SimulatorSettingsError(f"NETWORK_ACCOUNT is not right: {error}") from error
