"""Series that make each alert rule fire, and series near them that must not.

Values are those of promtool: ``0+15x120`` begins at 0 and rises by 15 in each of 120 steps of 15
seconds, 30 minutes in all. Each case is looked at after ``AT``.
"""

from typing import NamedTuple

AT = "30m"
_STEADY = "x120"


class Case(NamedTuple):
    """Series by their name with labels, once to fire and once not to."""

    firing: dict[str, str]
    quiet: dict[str, str]


def _gauge(name: str, firing: str, quiet: str) -> Case:
    return Case(
        {f"sms_receipt_{name}": f"{firing}+0{_STEADY}"},
        {f"sms_receipt_{name}": f"{quiet}+0{_STEADY}"},
    )


def _rises(name: str, firing: str, quiet: str) -> Case:
    """A counter: what it gains in 15 seconds."""
    return Case(
        {f"sms_receipt_{name}": f"0+{firing}{_STEADY}"},
        {f"sms_receipt_{name}": f"0+{quiet}{_STEADY}"},
    )


def _falls(name: str, high: int) -> Case:
    """A gauge that loses one at 20 minutes, or keeps its value."""
    series = f"sms_receipt_{name}"
    return Case(
        {series: f"{high}+0x80 {high - 1}+0x40"}, {series: f"{high}+0{_STEADY}"}
    )  # fmt: skip


def _late(name: str, labels: str, bound: str, above: str) -> Case:
    """A histogram: all observations within a bound, or a tenth of them above it."""

    def buckets(within: int) -> dict[str, str]:
        series = f"sms_receipt_{name}_bucket"
        return {
            f'{series}{{{labels}le="{bound}"}}': f"0+{within}{_STEADY}",
            f'{series}{{{labels}le="{above}"}}': f"0+100{_STEADY}",
            f'{series}{{{labels}le="+Inf"}}': f"0+100{_STEADY}",
        }

    return Case(buckets(60), buckets(100))


CASES = {
    "DoorsDown": Case(
        {'up{job="sms-receipt"}': "0+0x120"},
        {'up{job="sms-receipt"}': "1+0x120", 'up{job="sms-receipt-work"}': "0+0x120"},
    ),
    "StoreDown": _gauge("store_up", "0", "1"),
    "NoWorker": _gauge("workers_alive", "0", "1"),
    "WorkerLost": _falls("workers_alive", 3),
    "WorkerStuck": _gauge("worker_heartbeat_age_seconds", "31", "2"),
    "ReceiptsOverdue": Case(
        {'sms_receipt_queue_oldest_seconds{queue="outbox"}': "61+0x120"},
        {
            'sms_receipt_queue_oldest_seconds{queue="outbox"}': "3+0x120",
            'sms_receipt_queue_oldest_seconds{queue="waiting"}': "500+0x120",
        },
    ),
    "TimersLate": _gauge("timers_due_oldest_seconds", "90", "1"),
    "ProviderDown": Case(
        {
            'sms_receipt_provider_healthy{provider="twilio"}': "0+0x120",
            'sms_receipt_provider_held{provider="twilio"}': "0+0x120",
        },
        {
            'sms_receipt_provider_healthy{provider="twilio"}': "0+0x120",
            'sms_receipt_provider_held{provider="twilio"}': "1+0x120",
            'sms_receipt_provider_healthy{provider="kannel"}': "1+0x120",
        },
    ),
    "ProviderHeld": Case(
        {"sms_receipt_provider_held": "1+0x160"}, {"sms_receipt_provider_held": "1+0x100 0+0x60"}
    ),
    "SenderFailing": _gauge("sender_failing", "1", "0"),
    "BacklogOld": _gauge('queue_oldest_seconds{queue="waiting"}', "601", "590"),
    "BacklogExpires": _gauge('queue_oldest_seconds{queue="waiting"}', "72001", "71000"),
    "ReceiptsSlow": _late("report_to_receipt_seconds", 'outcome="delivered",', "60", "300"),
    "ProviderSlow": _late(
        "provider_request_seconds", 'provider="twilio",operation="send",', "5", "10"
    ),
    "ProviderRefuses": Case(
        {'sms_receipt_failures_total{provider="twilio",code="30034"}': "0+1x120"},
        {'sms_receipt_failures_total{provider="twilio",code="none"}': "0+1x120"},
    ),
    "ReceiptsInDoubt": _gauge("unsure", "1", "0"),
    "ReportsMissing": _gauge("reports_missing", "1", "0"),
    "ReportsStopped": Case(
        {"sms_receipt_reports_total": "0+500x12 6000+0x12"},
        {"sms_receipt_reports_total": "0+500x24"},
    ),
    "StatusesUnknown": Case(
        {'sms_receipt_reports_without_receipt_total{why="unknown_word"}': "0+1x120"},
        {'sms_receipt_reports_without_receipt_total{why="not_subscribed"}': "0+9x120"},
    ),
    "FeedRefused": _rises('refused_total{why="feed signature"}', "1", "0"),
    "SecretsGuessed": Case(
        {'sms_receipt_refused_total{why="secret again and again"}': "0+1x120"},
        {'sms_receipt_refused_total{why="secret"}': "0+1x120"},
    ),
    "SignaturesRefused": _rises('refused_total{why="signature"}', "1", "0.1"),
    "CodesLimited": Case(
        {'sms_receipt_codes_total{result="all"}': "0+1x120"},
        {'sms_receipt_codes_total{result="sent"}': "0+1x120"},
    ),
    "RequestsFail": Case(
        {
            'sms_receipt_answered_total{door="keywords.sms",status="200"}': "0+95x120",
            'sms_receipt_answered_total{door="keywords.sms",status="503"}': "0+5x120",
        },
        {
            'sms_receipt_answered_total{door="keywords.sms",status="200"}': "0+95x120",
            'sms_receipt_answered_total{door="keywords.sms",status="403"}': "0+5x120",
        },
    ),
    "RequestsSlow": _late("answer_seconds", 'door="keywords.sms",', "1", "5"),
    "StoreFull": Case(
        {
            "sms_receipt_store_memory_bytes": "810+0x120",
            "sms_receipt_store_memory_limit_bytes": "1000+0x120",
        },
        {
            "sms_receipt_store_memory_bytes": "790+0x120",
            "sms_receipt_store_memory_limit_bytes": "1000+0x120",
        },
    ),
    "StoreDropsRecords": _rises("store_evicted_keys_total", "1", "0"),
    "StoreCannotWrite": _gauge("store_write_ok", "0", "1"),
    "StoreNotDurable": _gauge("store_append_only_file_enabled", "0", "1"),
    "ReplicaLost": _falls("store_replicas", 2),
    "RuleBooksDiffer": Case(
        {
            'sms_receipt_rule_book{fingerprint="a",instance="1"}': "1+0x120",
            'sms_receipt_rule_book{fingerprint="b",instance="2"}': "1+0x120",
        },
        {
            'sms_receipt_rule_book{fingerprint="a",instance="1"}': "1+0x120",
            'sms_receipt_rule_book{fingerprint="b",instance="1"}': "0+0x120",
        },
    ),
}

#: Cases that take longer than ``AT``; their steps are of 5 minutes.
LONGER = {"ProviderHeld": "13h", "ReportsStopped": "85m"}
