"""Commands that diagnose an installation: `doctor` and `doctor signature`."""

import sys
from collections.abc import Iterable

import click

from commands.diagnostics import Check, check_signature, run_checks
from commands.params import examples, json_option, read_settings
from commands.tables import Column, print_json, print_records, wants_table

_CHECKS = (
    Column("", "result", styles={"ok": "green", "no": "bold red"}),
    Column("Check", "check", wrap=True),
    Column("Fix", "fix", wrap=True),
)


@click.group(invoke_without_command=True, epilog=examples("doctor", "doctor --json"))
@json_option
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Check settings, store, rules and providers.

    Each failed check names its fix; the exit status is then 1.
    """
    if context.invoked_subcommand is None:
        checks = _print(run_checks(read_settings()), as_json=as_json)
        sys.exit(0 if all(check.ok for check in checks) else 1)


@doctor.command(
    epilog=examples(
        "doctor signature --url https://sms.example.org/sms --signature a1B2= --field Body=Y"
    )
)
@click.option("--url", required=True, help="The address the provider called, query included.")
@click.option("--signature", required=True, help="Its X-Twilio-Signature header.")
@click.option("--field", "fields", multiple=True, help="A form field, Name=Value; repeat it.")
@json_option
def signature(url: str, signature: str, fields: tuple[str, ...], *, as_json: bool) -> None:
    """Explain which URL was signed and which was seen."""
    pairs = [(name, value) for name, _, value in (field.partition("=") for field in fields)]
    checks = _print(check_signature(read_settings(), url, signature, pairs), as_json=as_json)
    if not any(check.ok for check in checks):
        click.echo(
            "Nothing fits. Give every field of the request, empty ones too, exactly as it came; "
            "then compare the account's auth token and the address set at the provider.",
            err=as_json,
        )
        sys.exit(1)


def _print(checks: Iterable[Check], *, as_json: bool) -> list[Check]:
    """Print checks as a table on a terminal, as JSON lines with --json, else as lines of text."""
    done: list[Check] = []
    if wants_table(as_json):
        done += checks
        rows = [_record(check) | {"result": "ok" if check.ok else "no"} for check in done]
        print_records(rows, _CHECKS, as_json=False, empty="")
        return done
    for check in checks:
        done.append(check)
        if as_json:
            print_json(_record(check))
        else:
            mark, fix = ("ok  " if check.ok else "no  "), (check.fix and f": {check.fix}")
            click.echo(f"{mark}{check.subject}{fix}")
    return done


def _record(check: Check) -> dict[str, object]:
    return {"check": check.subject, "ok": check.ok, "fix": check.fix}
