"""The whole network, put together: one object that the web side is built around."""

from dataclasses import dataclass

from simulator.callbacks import Callbacks
from simulator.calls import Calls
from simulator.couriers import Couriers
from simulator.delivery import Delivery
from simulator.doors import Doors
from simulator.events import Events
from simulator.fates import Fates
from simulator.faults import Faults
from simulator.journal import Journal, Record
from simulator.messages import Messages
from simulator.phones import Phones
from simulator.settings import Settings
from simulator.texts import Texts


@dataclass(frozen=True)
class Network:
    """Everything that is running, for the doors that show it."""

    settings: Settings
    events: Events
    phones: Phones
    messages: Messages
    texts: Texts
    calls: Calls
    delivery: Delivery
    faults: Faults
    fates: Fates
    couriers: Couriers

    def close(self) -> None:
        """Stop every errand; whoever opens the same data next goes on with them."""
        self.couriers.stop()


def open_network(settings: Settings) -> Network:
    """Return a running network with everything it acknowledged in an earlier life."""
    journal = Journal(settings.data_dir / "network")
    events, fates, doors = Events(journal), Fates(), Doors(settings)
    couriers, phones, messages = Couriers(journal), Phones(events, journal), Messages(journal)
    callbacks = Callbacks(doors, couriers, events)
    texts = Texts(settings, phones, fates, couriers, callbacks, doors)
    calls = Calls(settings, phones, events, doors, callbacks)
    delivery = Delivery(settings, phones, messages, couriers, callbacks, texts)
    couriers.learn(
        {
            "callback": callbacks.run,
            "text_in": texts.hand_over,
            "arrival": texts.arrive,
            "progress": delivery.progress,
        }
    )
    network = Network(
        settings, events, phones, messages, texts, calls, delivery, Faults(), fates, couriers
    )
    for record in journal.records():
        _restore(network, couriers, record)
    for number in settings.extra_phones:
        phones.add(number)
    calls.end_cut_off()
    couriers.start()
    return network


def _restore(network: Network, couriers: Couriers, record: Record) -> None:
    match record["record"]:
        case "event":
            event = record["event"]
            network.events.restore(event)
            network.phones.apply(event)
            if event["kind"] == "call":
                network.calls.restore(event)
        case "phone":
            network.phones.restore(record["number"], record["label"])
        case "message" | "status":
            network.messages.restore(record)
        case "errand" | "done":
            couriers.restore(record)
