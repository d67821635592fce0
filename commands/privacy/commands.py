"""The commands `customers export` and `customers forget`."""

from pathlib import Path

import click

from app.exports.personal_data import exported
from app.exports.personal_page import printable_page
from commands.params import MSISDN, CommandError, examples, file_errors, open_services
from commands.privacy.lookups import look_at, operator_account, why_option
from commands.storage.archive import tell_of_archive
from commands.tables import print_json
from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Channel, Msisdn
from receipts.subscriptions.decision import CustomerRequest
from receipts.subscriptions.personal_data import ErasureRefusedError

_LATER = (
    "the archive cannot be written here: a worker that has it erases the older receipts as soon "
    "as it can, and until then they are shown to no one"
)


@click.command("export", epilog=examples("customers export 13802880000 --page data.html"))
@click.argument("number", type=MSISDN)
@click.option("--page", type=click.Path(path_type=Path), help="File for a printable page as well.")
@why_option
def export_(number: Msisdn, page: Path | None, why: str) -> None:
    """Export all data held on one person.

    Prints one JSON object. Passwords and identity numbers are held as one-way digests, which are
    not printed.
    """
    unwritable = file_errors("name another file with --page")
    with look_at(number, "customers export", why) as services, unwritable:
        held = services.personal_data.collect(number)
        tell_of_archive(held.unreadable, read=bool(held.archived))
        data = exported(services, held)
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
    (`audit_months` of the rule book). All other data is erased at once, also older receipts in the
    archive, and cannot be restored.
    """
    with open_services() as services:
        if not yes:
            click.confirm(f"Erase the data of {number.national}?", abort=True, err=True)
        language = services.policy.language(services.store.load(number).subscription)
        request = CustomerRequest(Channel.COUNTER, language, "forget", why, operator_account())
        try:
            erased = services.personal_data.forget(number, request)
        except ErasureRefusedError as error:
            raise CommandError(str(error)) from error
        held, months = erased.held, services.book.retention.audit_months
        chain = len(services.clients.bulk_reader.consent(number))
    print_json(
        {
            "number": number,
            "erased": {
                "receipts": len(held.receipts),
                "archived_receipts": erased.archived,
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
    if erased.archived is None:
        click.echo(f"sms-receipt: {_LATER}", err=True)


COMMANDS: tuple[click.Command, ...] = (export_, forget)
