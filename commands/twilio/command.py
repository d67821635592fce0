"""The commands `twilio plan`, `twilio configure` and `twilio faults`."""

import sys
from contextlib import closing
from dataclasses import asdict

import click

from app import provider_factory
from app.settings import Settings
from app.settings_reader import url_problem
from commands.diagnostics.addresses import is_demo, public_url_problem
from commands.params import CommandError, examples, json_option, read_settings
from commands.tables import Column, print_json, print_record, print_records, wants_table
from receipts.model.masking import hide_userinfo

_URL = "https://sms.example.org"

_FINDINGS = (
    Column("", "result", styles={"block": "bold red", "unread": "magenta", "warn": "yellow"}),
    Column("Error", "code"),
    Column("Fault", "what", wrap=True),
    Column("Fix", "fix", wrap=True),
)
_NUMBERS = tuple(Column(each.capitalize(), each) for each in ("number", "kind", "texts", "calls"))
_FAULTS = (
    Column("Error", "code"),
    Column("Stops", "blocks"),
    Column("Fault", "what", wrap=True),
    Column("Fix", "fix", wrap=True),
)


@click.group(epilog=examples("twilio plan", f"twilio configure --base-url {_URL}"))
def twilio() -> None:
    """Check and configure your Twilio account."""


@twilio.command(epilog=examples("twilio plan", f"twilio plan --base-url {_URL}"))
@click.option("--base-url", help="Public address to look at (default: PUBLIC_URL).")
@json_option
def plan(*, base_url: str | None, as_json: bool) -> None:
    """Name what will stop the first text or call.

    Reads the account and changes none of it. Exit status 1 if a fault stops texts or calls, or if
    a part of the account could not be read. A warning leaves it at 0.
    """
    from commands.twilio.plan import find_faults, present  # noqa: PLC0415 - the SDK
    from commands.twilio.subject import Subject  # noqa: PLC0415 - as above

    settings = read_settings().need_account()
    address = settings.public_url if base_url is None else base_url.rstrip("/")
    with closing(provider_factory.twilio_account(settings)) as account:
        subject = Subject(settings, address, account)
        findings = [asdict(each) for each in find_faults(subject)]
        there = present(subject)
    stops = [each for each in findings if each["result"] != "warn"]
    if wants_table(as_json):
        print_record(there, as_json=False, lists={"numbers": _NUMBERS})
        click.echo()
        print_records(findings, _FINDINGS, as_json=False, empty="")
        click.echo(f"\n{_next_step(findings, address)}")
    else:
        print_json({"ready": not stops, **there, "findings": findings}, 2)
    sys.exit(1 if stops else 0)


def _next_step(findings: list[dict[str, str]], address: str) -> str:
    results = [each["result"] for each in findings]
    if blocks := results.count("block"):
        return f"Faults that stop the first text or call: {blocks}. Fix them, and plan again."
    if unread := results.count("unread"):
        return f"Could not be read: {unread}. Whether a fault is there is not known."
    here = hide_userinfo(address)
    return f"No fault stops the first text. Next: sms-receipt twilio configure --base-url {here}"


@twilio.command(epilog=examples("twilio faults", "twilio faults --page"))
@click.option("--page", is_flag=True, help="Print the table of docs/twilio.md.")
@json_option
def faults(*, page: bool, as_json: bool) -> None:
    """List the faults that `plan` looks for."""
    from commands.twilio.faults import FAULTS, faults_page  # noqa: PLC0415 - for this one

    if page:
        click.echo(faults_page(), nl=False)
        return
    rows = [
        {
            "name": name,
            "code": each.code,
            "blocks": each.blocks,
            "what": each.what,
            "fix": each.fix,
        }
        for name, each in FAULTS.items()
    ]
    print_records(rows, _FAULTS, as_json=as_json, empty="")


@twilio.command(
    epilog=examples(
        f"twilio configure --base-url {_URL} --dry-run",
        f"twilio configure --base-url {_URL}",
        f"twilio configure --base-url {_URL} --number +8613802880000 --yes",
    )
)
@click.option("--base-url", required=True, help="Public address of this service.")
@click.option(
    "--number",
    "numbers",
    multiple=True,
    help="Number to configure; repeatable (default: TWILIO_FROM).",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change none of it.")
@click.option("--yes", is_flag=True, help="Clear settings that win over these without a question.")
def configure(*, base_url: str, numbers: tuple[str, ...], dry_run: bool, yes: bool) -> None:
    """Set the webhooks of your numbers and Messaging Service.

    Prints each address before and after the change. Asks before it clears a setting that wins over
    them: an application, a SIP trunk, the address of a Messaging Service.
    """
    from commands.twilio.configure import configure_account  # noqa: PLC0415 - the SDK

    settings = read_settings().need_account()
    address = _checked_address(base_url, settings)
    configure_account(settings, address, numbers, dry_run=dry_run, yes=yes)
    if settings.public_url != address:
        click.echo(
            f"Set PUBLIC_URL={hide_userinfo(address)} before the first request arrives: "
            "Twilio signs that address. With the present PUBLIC_URL="
            f"{hide_userinfo(settings.public_url) or '(unset)'} every request is refused.",
            err=True,
        )


def _checked_address(base_url: str, settings: Settings) -> str:
    """The address without a slash at its end. Raises CommandError."""
    shown = f"--base-url={hide_userinfo(base_url)}"
    if url_problem(base_url):
        raise CommandError(f"{shown} is not a public address. Example: {_URL}")
    problem = "" if is_demo(settings) else public_url_problem(base_url, https_only=False)
    if problem:
        raise CommandError(f"{shown} cannot be called by Twilio: {problem}. Example: {_URL}")
    return base_url.rstrip("/")
