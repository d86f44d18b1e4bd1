"""Running commands in the test's own process."""

from click.testing import CliRunner, Result

from proxy import cli


def invoke(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Runs the command in this process."""
    return CliRunner().invoke(cli.main, arguments, env=env)
