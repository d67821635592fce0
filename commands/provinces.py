"""The commands `provinces`: check, show, and return to the rule book file."""

import secrets
from contextlib import closing
from pathlib import Path

import click
from msgspec import to_builtins

from app import bootstrap
from app.rulebook.proposals import book_proposals
from app.rulebook.stored import rule_book_in_use
from app.settings import SettingsError
from commands.params import examples, json_option, read_settings
from commands.privacy.lookups import operator_account
from commands.tables import print_json
from receipts.model.staff import Role, StaffMember
from receipts.rulebook.loader import load_rule_book
from receipts.rulebook.province_names import chosen_province
from receipts.rulebook.tables import check_report, describe


@click.group(epilog=examples("provinces check", "provinces show CN-GD"))
def provinces() -> None:
    """Check and show the rule book."""


@provinces.command(epilog=examples("provinces check", "provinces check proposed.toml"))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def check(file: Path | None, *, as_json: bool) -> None:
    """Check a rule book and print it as tables.

    Checks FILE, by default the rule book in use. --json prints only the version and the number of
    provinces.
    """
    book = load_rule_book(file) if file else rule_book_in_use(read_settings())[0]
    if as_json:
        print_json({"version": book.version, "provinces": len(book.provinces), "ok": True})
    else:
        click.echo(check_report(book))


@provinces.command("show", epilog=examples("provinces show CN-GD"))
@click.argument("code")
@json_option
def show_province(code: str, *, as_json: bool) -> None:
    """Show one province's rules."""
    book, _ = rule_book_in_use(read_settings())
    named = code
    code = code if code in book.provinces else chosen_province(book, code) or ""
    province = book.province(code)
    if province is None:
        raise SettingsError(f"{named} is not covered. Covered: {', '.join(book.provinces)}")
    if as_json:
        print_json(to_builtins(province))
    else:
        click.echo(describe(book, code))


@provinces.command("use-file", epilog=examples('provinces use-file --why "console unusable"'))
@click.option("--why", required=True, metavar="REASON", help="Reason, for the log of staff acts.")
def use_file(why: str) -> None:
    """Return from the console's rule book to RULE_BOOK.

    All processes follow their own files again, until the console puts a rule book in force.
    """
    settings = read_settings()
    # Not the book in force: the console's may be the one that cannot be read.
    services = bootstrap.services(settings, load_rule_book(settings.rule_book))
    with closing(services.clients):
        before = services.books.in_force()
        by = StaffMember(operator_account(), Role.OPERATOR)
        book_proposals(services).return_to_file(by, why, secrets.token_urlsafe(12))
    if before.book:
        click.echo(
            f"Every process follows its rule book file again, here {services.book.version}; "
            f"before, the console's {before.version}."
        )
    else:
        click.echo(f"Every process follows its rule book file already: {services.book.version}.")
