"""Composition root: builds the parts of the network once, for the web application."""

from dataclasses import dataclass, field
from threading import Event

from simulator.fault_injection import FaultInjector
from simulator.network.delivery import Delivery
from simulator.network.events import EventLog
from simulator.network.job_queue import JobQueue
from simulator.network.messages import MessageLog
from simulator.network.phones import PhoneRegistry
from simulator.network.scenarios import Scenarios
from simulator.service_state import ServiceState
from simulator.settings import SimulatorSettings
from simulator.twilio.texts import TextRouter
from simulator.voice.call_control import CallControl
from simulator.webhooks.callbacks import CallbackSender
from simulator.webhooks.client import WebhookClient


@dataclass(frozen=True)
class Simulator:
    """The parts of a running network."""

    settings: SimulatorSettings
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
    client = WebhookClient(settings)
    callbacks = CallbackSender(client, jobs, events)
    texts = TextRouter(settings, phones, scenarios, jobs, callbacks, client)
    calls = CallControl(settings, phones, events, client, callbacks)
    delivery = Delivery(settings.short_code, phones, messages, scenarios, jobs)
    channels = (texts, calls, delivery, callbacks, FaultInjector())
    service = ServiceState(settings, phones, events)
    return Simulator(settings, events, phones, messages, scenarios, *channels, jobs, service)
