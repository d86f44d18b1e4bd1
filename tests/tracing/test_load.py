"""Without the extra nothing of OpenTelemetry is imported, and nobody needs it who does not trace."""

import subprocess
import sys
import textwrap

import pytest

from proxy.tracing.load import NEEDED, missing, tracer_of
from proxy.tracing.settings import TracingSettings

# As if it were not installed: of its packages none is found.
WITHOUT = textwrap.dedent(
    """
    import sys

    class Blocked:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in {"opentelemetry", "requests"}:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return None

    sys.meta_path.insert(0, Blocked())
    """
)


def run(script: str) -> subprocess.CompletedProcess[str]:
    """An interpreter of its own with a script."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)


def test_here_all_is_there() -> None:
    assert missing() == ""


def test_without_the_extra_the_first_module_is_named() -> None:
    done = run(WITHOUT + "from proxy.tracing.load import missing; print(missing())")
    assert (done.stdout.strip(), done.stderr) == (NEEDED[0], "")


def test_without_the_extra_a_gate_is_loaded_that_does_not_trace() -> None:
    script = "import proxy.gate_process\nfrom proxy.tracing.load import tracer_of\nprint(tracer_of(None))"
    done = run(WITHOUT + script)
    assert (done.stdout.strip(), done.stderr) == ("None", "")


@pytest.mark.parametrize("module", ["proxy.gate_process", "proxy.edge_process", "proxy.config", "proxy.supervisor"])
def test_off_nothing_of_it_is_imported(module: str) -> None:
    script = f"import sys, {module}; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = run(script)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_without_settings_there_is_no_tracer() -> None:
    assert tracer_of(None) is None


def test_the_variable_that_switches_all_off_does_so_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenTelemetry's spans have no ids then, and no call must carry such."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", " True")
    assert tracer_of(TracingSettings(endpoint="http://127.0.0.1:9/v1/traces")) is None


def test_with_settings_there_is_one() -> None:
    tracer = tracer_of(TracingSettings(endpoint="http://127.0.0.1:9/v1/traces"))
    assert tracer is not None
    tracer.close()
