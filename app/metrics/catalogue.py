"""Every metric of the service: name, kind, help, labels, and the processes that show it."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

#: Prefix of all names.
PREFIX = "sms_receipt_"


class Description(NamedTuple):
    """One metric; a counter's samples end in ``_total``, which its name here leaves out."""

    group: str
    name: str
    kind: str
    help: str
    labels: tuple[str, ...]
    #: Commands whose page has it: serve, work.
    pages: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """The name in rules and queries, of a histogram without its suffixes."""
        return PREFIX + self.name + ("_total" if self.kind == "counter" else "")


#: Lines of a group: name, kind, labels (- for none) and help.
_SERVE = {
    "Reports": """
reports counter - Reports with a new status
reports_with_receipt counter - Reports that gave a receipt
reports_without_receipt counter why Reports that gave no receipt, by reason
reports_missing gauge - Reports without a recorded result: must be 0
feed_lines_refused counter - Rejected lines of the feed
""",
    "Receipts": """
receipts counter outcome,age Receipts that left, by outcome and by seconds since their report
unsure gauge - Receipts whose sending could not be confirmed
""",
    "Queues": """
queue_depth gauge queue Receipts in a queue: outbox, late, delayed, waiting
queue_oldest_seconds gauge queue Age of the oldest receipt in a queue, 0 for an empty one
outbox gauge stream,shard Receipts not yet picked up, or being sent
outbox_oldest_seconds gauge stream,shard Receipts not yet picked up: age of the oldest
waiting gauge provider,shard Receipts that wait for a provider
waiting_oldest_seconds gauge provider,shard Receipts that wait for a provider: age of the oldest
timers_due gauge - Timers that are due and have not fired, counted up to 1000
timers_due_oldest_seconds gauge - Time since the oldest timer that has not fired was due
""",
    "Providers": """
provider_healthy gauge provider 1: circuit breaker closed, 0: open
provider_held gauge provider 1: circuit breaker opened by staff
circuit_breaker_state gauge provider,state 1 for the state of the circuit breaker, 0 for the others
sender_failing gauge provider 1 if nearly all of its last receipts failed
failures counter provider,code Failed receipts and refused attempts, by the provider's code
""",
    "Workers": """
workers_alive gauge - Workers that asked the store for work within 10 seconds
worker_idle_seconds gauge - Time since any worker last asked the store for work
""",
    "Store": """
store_up gauge - 1 if the store answers
store_round_trip_seconds gauge - Time of one round trip to the store
store_memory_bytes gauge - Memory that the store uses, over all primaries
store_memory_limit_bytes gauge - Memory that the store may use, over all primaries
store_append_only_file_enabled gauge - 1 if every primary writes an append-only file
store_write_ok gauge - 1 if the last writes to disk succeeded on every primary
store_last_save_timestamp_seconds gauge - Time of the oldest last snapshot of a primary
store_replicas gauge - Connected replicas of the primary that has the fewest
store_evicted_keys counter - Records that the store dropped for want of memory: must be 0
""",
    "Requests": """
answered counter door,status Requests answered
answer_seconds histogram door Seconds to an answer
refused counter why Requests refused by authentication
unanswered_texts counter sender Texts to the short code left without a reply
codes counter result Requests for sign-in codes, by result
staff_sign_ins counter result Sign-ins of staff, by result
""",
}

_WORK = {
    "Receipts": """
receipts_in_progress gauge - Receipts that this worker is sending
results_queued gauge - Results of sending that are not written to the store yet
""",
    "Providers": """
provider_request_seconds histogram provider,operation,result Duration of a request to a provider
""",
    "Workers": """
worker_heartbeat_age_seconds gauge - Time since this worker last renewed its leases
""",
}

_BOTH = {
    "Receipts": """
report_to_receipt_seconds histogram outcome Time from a report to its receipt's acceptance
commits_retried counter - Changes decided again, since another came first
""",
    "Processes": """
build_info gauge version 1, with the version of the program
rule_book gauge version,fingerprint 1 for the rule book in force, 0 for those that were
log_lines_left_out counter event Lines that the log's bound a minute left out
""",
}


@cache
def described_metrics() -> dict[str, Description]:
    """All metrics by name without prefix, in the order of docs/metrics.md."""
    parts = ((_SERVE, ("serve",)), (_BOTH, ("serve", "work")), (_WORK, ("work",)))
    found = [each for lines, pages in parts for each in _read(lines, pages)]
    groups = list(dict.fromkeys(each.group for each in found))
    return {each.name: each for each in sorted(found, key=lambda e: groups.index(e.group))}


def _read(groups: dict[str, str], pages: tuple[str, ...]) -> Iterable[Description]:
    for group, lines in groups.items():
        for line in lines.strip().splitlines():
            name, kind, labels, text = line.split(" ", 3)
            names = () if labels == "-" else tuple(labels.split(","))
            yield Description(group, name, kind, text, names, pages)
