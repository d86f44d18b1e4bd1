"""`startgate schema`: JSON Schemas for editors and CI."""

import json

import click

from proxy.commands.common import printed
from proxy.schemas.registry import SCHEMAS, schema_text

API = "api"


@click.command(short_help="JSON Schemas, for editors and CI.")
@click.argument("name", type=click.Choice([*SCHEMAS, API]), default="rules")
def schema(name: str) -> None:
    """Print the JSON Schema of rule files, or of the configuration, of cases or of audit records; with `api` the
    description of the admin port's API, in OpenAPI 3.1.

    An editor takes the shipped file by the first line of a rule file: `# yaml-language-server: $schema=…`.
    """
    with printed():
        click.echo(_api() if name == API else schema_text(name), nl=False)


def _api() -> str:
    from proxy.admin.surface import described  # noqa: PLC0415 -- all that the admin process loads

    return json.dumps(described(), indent=2, ensure_ascii=False) + "\n"
