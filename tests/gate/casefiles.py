"""Cases of whole starts as YAML files (`tests/gate/cases/`), so that adding one takes no Python.

Everything but `description` and `wanted` may be left out: then all is well, as for the user ann, who starts the job
`outliers` on the index `flights` into the missing `flights-out`. `README.md` beside the files says what may be there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from proxy.gate.ports import Facts, IndexState
from proxy.model import Answer, Identity, JobState, SourceIndex, Stage
from proxy.privileges import Held, role_from_json
from proxy.rules import Rules, load
from tests.gate.fakes import FLIGHTS, ROOT, TARGET, Scene, answer, arrived, grants, made, refused_by_cluster

FOLDER = Path(__file__).parent / "cases"
KEYS = {
    *("description", "request", "caller", "secondary", "job", "hidden_job", "state", "lacks", "owner_roles", "sources"),
    *("destination", "rules", "service", "cluster_answers", "wanted"),
}
WANTED = {"status", "reason", "effects", "records", "created"}
REQUEST = {"target", "headers", "body"}
HELD = ("manage_ml", "read", "view_index_metadata", "create_index", "manage", "index")


@dataclass(frozen=True)
class Case:
    """One file: what is given and what is wanted."""

    name: str
    given: Mapping[str, Any]

    @property
    def wanted(self) -> Mapping[str, Any]:
        """What must come of it."""
        found: Mapping[str, Any] = self.given["wanted"]
        return found


def cases() -> list[Case]:
    """All cases, by name of file. Raises ValueError for a key that means nothing."""
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        given = yaml.safe_load(path.read_text())
        for keys, part in ((KEYS, given), (WANTED, given["wanted"]), (REQUEST, given.get("request", {}))):
            if unknown := set(part) - keys:
                raise ValueError(f"{path}: {sorted(unknown)} mean nothing; known are {sorted(keys)}")
        if not {"status", "effects"} <= set(given["wanted"]):
            raise ValueError(f"{path}: a case wants a status and effects")
        found.append(Case(path.stem, given))
    return found


async def run(case: Case, folder: Path) -> tuple[Scene, Answer]:
    """Run a case; `folder` is for its rules."""
    given = case.given
    scene = Scene(service="ApiKey c2VydmljZQ==" if given.get("service", True) else None)
    scene.cluster.answers = dict(_answers(given))
    request = given.get("request", {})
    headers = [*request.get("headers", {}).items()]
    if "secondary" in given:
        headers.append(("es-secondary-authorization", "Basic c2Vjb25kYXJ5"))
    start = arrived(*headers, target=request.get("target", TARGET), body=request.get("body", "").encode())
    return scene, await scene.run(start, _rules(given.get("rules", {}), folder))


def _answers(given: Mapping[str, Any]) -> Mapping[str, Any]:
    answers: dict[str, Any] = {
        f"identify {whose}": _identity(given[whose]) for whose in ("caller", "secondary") if whose in given
    }
    answers["job"] = made(**given.get("job", {}))
    if "hidden_job" in given:
        answers["job"] = answers["state"] = refused_by_cluster(**given["hidden_job"])
    if "state" in given:
        answers["state"] = JobState(state=given["state"]["state"], stage=Stage(given["state"]["stage"]))
    answers |= {f"held {whose}": _held(given, lacking) for whose, lacking in given.get("lacks", {}).items()}
    if "owner_roles" in given:
        answers["grants"] = grants(*given["owner_roles"])
        assert all(role_from_json("r", role) for role in given["owner_roles"])
    answers["facts"] = Facts(sources=_sources(given), destination=_destination(given))
    answers |= {call: answer(**_encoded(told)) for call, told in given.get("cluster_answers", {}).items()}
    return answers


def _encoded(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": told["status"], "body": str(told.get("body", "{}")).encode()}


def _identity(fields: Mapping[str, Any]) -> Identity:
    realm = fields.get("realm", "native1")
    plain = {"realm": realm, "realm_type": "native", "lookup_realm": realm}
    return Identity(**plain | {**fields, "roles": tuple(fields.get("roles", ()))})


def _held(given: Mapping[str, Any], lacking: Mapping[str, Any]) -> Held:
    """Everything that rules can ask for, but for what is said to be lacking."""
    job = made(**given.get("job", {}))
    names = [*job.sources, job.destination]
    return Held(
        cluster={name: name not in lacking.get("cluster", ()) for name in HELD},
        index={name: {privilege: privilege not in lacking.get(name, ()) for privilege in HELD} for name in names},
    )


def _sources(given: Mapping[str, Any]) -> tuple[SourceIndex, ...]:
    if "sources" not in given:
        return (FLIGHTS,)
    return tuple(
        SourceIndex(name=name, settings=one.get("settings", {}), mappings=one.get("mappings", {}))
        for name, one in sorted(given["sources"].items())
    )


def _destination(given: Mapping[str, Any]) -> IndexState | None:
    if "destination" not in given:
        return None
    return IndexState(name=given["destination"], uuid="u1", mappings={})


def _rules(changes: Mapping[str, Any], folder: Path) -> Rules:
    """The shipped rules with other values in places."""
    whole = yaml.safe_load((ROOT / "rules" / "start.yml").read_text())
    part = whole["start_data_frame_analytics"]
    for key, value in changes.items():
        part[key] = part[key] | value if isinstance(value, dict) else value
    path = folder / "start.yml"
    path.write_text(yaml.safe_dump(whole, sort_keys=False))
    return load(path, draft=True)


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted path of a record, None where there is none."""
    value: Any = record
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
