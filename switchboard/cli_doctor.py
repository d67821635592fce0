"""``sms-receipt doctor``: what is not well, and what to do about it."""

import os
import sys

import click

from switchboard import checkup, demo
from switchboard.settings import Settings, SettingsWrong


@click.group(invoke_without_command=True)
@click.pass_context
def doctor(context: click.Context) -> None:
    """Look at settings, store, rules and providers; status 1 when something is not well."""
    if context.invoked_subcommand is not None:
        return
    findings = []
    for finding in checkup.look(_settings()):
        findings.append(finding)
        click.echo(_line(finding))
    sys.exit(0 if all(finding.well for finding in findings) else 1)


@doctor.command()
@click.option("--url", required=True, help="The address the provider called, query included.")
@click.option("--signature", required=True, help="Its X-Twilio-Signature header.")
@click.option("--field", "fields", multiple=True, help="A form field, Name=Value; repeat it.")
def signature(url: str, signature: str, fields: tuple[str, ...]) -> None:
    """Explain which URL was signed, and which one was seen."""
    pairs = [(name, value) for name, _, value in (field.partition("=") for field in fields)]
    findings = list(checkup.explain(_settings(), url, signature, pairs))
    for finding in findings:
        click.echo(_line(finding))
    if any(finding.well for finding in findings):
        return
    click.echo(
        "Nothing fits. Give every field of the request, empty ones too, exactly as it came; "
        "then compare the account's auth token and the address set at the provider."
    )
    sys.exit(1)


def _line(finding: checkup.Finding) -> str:
    mark = click.style("ok  ", fg="green") if finding.well else click.style("no  ", fg="red")
    return f"{mark}{finding.what}{': ' if finding.mend else ''}{finding.mend}"


def _settings() -> Settings:
    try:
        return Settings.read(demo.lent(os.environ) | os.environ)
    except SettingsWrong as wrong:
        click.echo(f"sms-receipt: {wrong}", err=True)
        sys.exit(2)
