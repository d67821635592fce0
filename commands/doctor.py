"""Commands that diagnose an installation: `doctor` and `doctor signature`."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

import click

from commands.diagnostics.check import Check
from commands.diagnostics.checks import run_checks
from commands.params import examples, json_option, read_settings
from commands.tables import Column, print_json, print_records, wants_table
from commands.webhook_signature.captured_request import (
    CapturedRequest,
    parse_headers,
    parse_request,
    with_options,
)
from commands.webhook_signature.findings import check_request, compare_urls
from commands.webhook_signature.signed_variants import find_match
from receipts.model.masking import hide_userinfo

_CHECKS = (
    Column("", "result", styles={"ok": "green", "warn": "yellow", "no": "bold red"}),
    Column("Check", "check", wrap=True),
    Column("Fix", "fix", wrap=True),
    Column("Runbook", "runbook", wrap=True),
)


@click.group(invoke_without_command=True, epilog=examples("doctor", "doctor --json"))
@json_option
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Check settings, store, rules and providers.

    Each failed check names its fix; the exit status is then 1. A warning leaves it at 0.
    """
    if context.invoked_subcommand is None:
        checks = _print(run_checks(read_settings()), as_json=as_json)
        sys.exit(0 if all(check.ok for check in checks) else 1)


@doctor.command(
    epilog=examples(
        "doctor signature --url https://sms.example.org/sms --signature a1B2= --field Body=Y",
        "doctor signature --request request.txt",
    )
)
@click.option(
    "--request", "raw", type=click.File("rb"), help="The whole HTTP request; - for stdin."
)
@click.option("--method", help="Its method; by default POST.")
@click.option("--url", default="", help="The address the provider called, query included.")
@click.option("--header", "headers", multiple=True, help="A header, 'Name: value'; repeat it.")
@click.option("--signature", "given", default="", help="Its X-Twilio-Signature header.")
@click.option("--field", "fields", multiple=True, help="A form field, Name=Value; repeat it.")
@click.option("--body", type=click.File("rb"), help="Its body as received, in place of fields.")
@json_option
def signature(
    *,
    raw: BinaryIO | None,
    method: str | None,
    url: str,
    headers: tuple[str, ...],
    given: str,
    fields: tuple[str, ...],
    body: BinaryIO | None,
    as_json: bool,
) -> None:
    """Explain which URL was signed and which was seen.

    Exit status 0 if the service accepts the signature, else 1.
    """
    settings = read_settings().need_signatures()
    request = CapturedRequest() if raw is None else parse_request(raw.read())
    named = (*headers, *([f"X-Twilio-Signature: {given}"] if given else []))
    more = parse_headers(named, "--header")
    text = body.read() if body else None
    request = with_options(request, method or request.method, url, more, text, fields)
    match = find_match(settings, request)
    urls = compare_urls(settings, request, match)
    compared = {name: hide_userinfo(value) for name, value in urls.items()}
    if as_json:
        print_json(compared)
    else:
        width = max(map(len, compared))
        for name, value in compared.items():
            click.echo(f"{name:{width}}  {value}")
    checks = _print(check_request(settings, request, match), as_json=as_json)
    sys.exit(0 if all(check.ok for check in checks) else 1)


def _print(checks: Iterable[Check], *, as_json: bool) -> list[Check]:
    """Print checks as a table on a terminal, as JSON lines with --json, else as lines of text."""
    done: list[Check] = []
    if wants_table(as_json):
        done += _shown(checks)
        rows = [_record(check) | {"result": check.mark} for check in done]
        print_records(rows, _CHECKS, as_json=False, empty="")
        return done
    for check in _shown(checks):
        done.append(check)
        if as_json:
            print_json(_record(check))
        else:
            fix = check.fix and f": {check.fix}"
            paragraph = check.runbook and f" ({check.runbook})"
            click.echo(f"{check.mark}  {check.subject}{fix}{paragraph}")
    return done


def _shown(checks: Iterable[Check]) -> Iterator[Check]:
    """The checks without user and password of the addresses in them."""
    return (
        replace(each, subject=hide_userinfo(each.subject), fix=hide_userinfo(each.fix))
        for each in checks
    )


def _record(check: Check) -> dict[str, object]:
    return {"check": check.subject, "ok": check.ok, "fix": check.fix, "runbook": check.runbook}
