"""The commands `customers export` and `customers forget`."""

from pathlib import Path
from typing import Any

import click
from msgspec import Struct, to_builtins
from msgspec.structs import fields

from app.bootstrap import Container
from commands.params import MSISDN, CommandError, examples, file_errors, open_services
from commands.privacy.lookups import look_at, operator_account, why_option
from commands.privacy.page import printable_page
from commands.serializers import (
    column_names,
    plain_value,
    serialize_charge,
    serialize_customer,
    serialize_fields,
    serialize_trace,
)
from commands.tables import print_json
from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Channel, Msisdn
from receipts.subscriptions.decision import CustomerRequest
from receipts.subscriptions.personal_data import ErasureRefusedError, PersonalData

#: Fields that prove an identity: whether they are held is told, not their value.
_SECRETS = frozenset({"id_digest", "password_digest", "session", "codes"})


@click.command("export", epilog=examples("customers export 13802880000 --page data.html"))
@click.argument("number", type=MSISDN)
@click.option("--page", type=click.Path(path_type=Path), help="File for a printable page as well.")
@why_option
def export_(number: Msisdn, page: Path | None, why: str) -> None:
    """Export all data held on one person.

    Prints one JSON object. Passwords and identity numbers are held as one-way digests, which are
    not printed. Reads the whole store once.
    """
    unwritable = file_errors("name another file with --page")
    with look_at(number, "customers export", why) as services, unwritable:
        data = _exported(services, services.personal_data.collect(number))
        if page is not None:
            now = services.clock.now().astimezone(SHANGHAI)
            html = printable_page(data, f"{now:%Y-%m-%d %H:%M}", services.book.retention)
            page.write_text(html, encoding="utf-8")
    print_json(data, indent=2)


@click.command(epilog=examples('customers forget 13802880000 --why "asked in shop 12"'))
@click.argument("number", type=MSISDN)
@click.option("--why", required=True, metavar="REASON", help="Reason, for the audit log.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def forget(number: Msisdn, why: str, *, yes: bool) -> None:
    """Erase the data of a person who has left.

    Charges, requests with their consent, the audit log and look-ups stay as long as the law asks
    (`audit_months` of the rule book). All other data is erased at once, and cannot be restored.
    """
    with open_services() as services:
        if not yes:
            click.confirm(f"Erase the data of {number.national}?", abort=True, err=True)
        language = services.policy.language(services.store.load(number).subscription)
        request = CustomerRequest(Channel.COUNTER, language, "forget", why, operator_account())
        try:
            held = services.personal_data.forget(number, request)
        except ErasureRefusedError as error:
            raise CommandError(str(error)) from error
        months = services.book.retention.audit_months
        chain = len(services.clients.bulk_reader.consent(number))
    print_json(
        {
            "number": number,
            "erased": {
                "receipts": len(held.receipts),
                "texts": len(held.texts),
                "calls": len(held.calls),
                "timers": len(held.timers),
                "credentials": held.credentials is not None,
            },
            "kept": {
                "charges": len(held.charges),
                "consent": chain,
                "lookups": len(held.lookups),
                "months": months,
            },
        }
    )


def _exported(services: Container, data: PersonalData) -> dict[str, Any]:
    customer = data.subscription
    return {
        "number": customer.number,
        "subscription": serialize_customer(services, customer.number),
        "record": _all_fields(customer),
        "credentials": _all_fields(data.credentials),
        "login": _all_fields(data.login),
        "replies": _all_fields(data.reply_count),
        "receipts": [_all_fields(receipt) for receipt in data.receipts],
        "charges": [serialize_charge(charge) for charge in data.charges],
        "consent": [serialize_fields(e, column_names(type(e))) for e in data.consent],
        "texts": [serialize_trace(trace) for trace in data.texts],
        "calls": [_all_fields(call) for call in data.calls],
        "timers": [_all_fields(timer) for timer in data.timers],
        "lookups": [_all_fields(look) for look in data.lookups],
        "kept": _all_fields(services.book.retention),
    }


def _all_fields(record: Struct | None) -> dict[str, Any] | None:
    """A record's fields that have another value than the default, by their names."""
    if record is None:
        return None
    held = {each.name: getattr(record, each.name) for each in fields(record)}
    defaults = {each.name: each.default for each in fields(record)}
    return {
        name: "held" if name in _SECRETS else _plain(value)
        for name, value in held.items()
        if value != defaults[name] and name != "version"
    }


def _plain(value: object) -> object:
    """A value of a record as JSON has it, with times in ISO 8601."""
    return to_builtins(plain_value(value), enc_hook=str)


COMMANDS: tuple[click.Command, ...] = (export_, forget)
