"""`startgate schema`: JSON Schemas for editors and CI."""

import click

from proxy.commands.common import printed
from proxy.schemas.registry import SCHEMAS, schema_text


@click.command(short_help="JSON Schemas, for editors and CI.")
@click.argument("name", type=click.Choice(list(SCHEMAS)), default="rules")
def schema(name: str) -> None:
    """Print the JSON Schema of rule files, or of the configuration, of cases or of audit records.

    An editor takes the shipped file by the first line of a rule file: `# yaml-language-server: $schema=…`.
    """
    with printed():
        click.echo(schema_text(name), nl=False)
