"""`_security`: who am I, and what may I do; and the table of all `_security` endpoints."""

from proxy.embedded.endpoint import Context, Endpoint, Handler, Reply
from proxy.embedded.failure import Failure
from proxy.embedded.routes import Routes
from proxy.embedded.security import keys, principals
from proxy.embedded.security.asking import applications_answer, has_privileges, parse_asked
from proxy.embedded.security.authorise import may_cluster, may_run_as
from proxy.embedded.security.builtin import SERVICE_ACCOUNTS

_PREFIX = "cluster:admin/xpack/security/"


async def who(context: Context) -> Reply:
    """`GET _security/_authenticate`: the primary subject."""
    context.request.params.finish(context.request.path)
    may_run_as(context.security, context.subject, _PREFIX + "user/authenticate")
    return 200, context.subject.json()


async def holds(context: Context) -> Reply:
    """`GET|POST _security/user/_has_privileges`: what of the body the caller holds. Raises `Failure` 400."""
    context.request.params.finish(context.request.path, "username")
    may_run_as(context.security, context.subject, _PREFIX + "user/has_privileges")
    named = context.request.variables.get("username", context.subject.name)
    if named != context.subject.name:
        raise Failure(403, "security_exception", "users may only check the privileges of their own account")
    body = context.request.record()
    if body is None:
        raise Failure(400, "parse_exception", "request body is required")
    asked = parse_asked(body)
    held = has_privileges(context.security, context.subject, asked)
    everything = may_cluster(context.security, context.subject, "cluster:*")
    applications = applications_answer(body, held=everything)
    return 200, {
        "username": context.subject.name,
        "has_all_requested": held.complete and (everything or not applications),
        "cluster": dict(held.cluster),
        "index": {name: dict(privileges) for name, privileges in held.index.items()},
        "application": applications,
    }


async def service_account(context: Context) -> Reply:
    """`GET _security/service[/{namespace}[/{service}]]`."""
    namespace = context.request.variables.get("namespace", "")
    service = context.request.variables.get("service", "")
    context.request.params.finish(context.request.path, "namespace", "service")
    wanted = f"{namespace}/{service}" if service else f"{namespace}/" if namespace else ""
    return 200, {
        name: {"role_descriptor": dict(body)}
        for name, body in SERVICE_ACCOUNTS.items()
        if (name == wanted if service else name.startswith(wanted))
    }


_ENDPOINTS: tuple[tuple[tuple[str, ...], str, str | None, Handler], ...] = (
    (("GET",), "/_security/_authenticate", None, who),
    (("GET", "POST"), "/_security/user/_has_privileges", None, holds),
    (("GET", "POST"), "/_security/user/{username}/_has_privileges", None, holds),
    (("GET",), "/_security/role", "role/get", principals.get_roles),
    (("GET",), "/_security/role/{name}", "role/get", principals.get_roles),
    (("PUT", "POST"), "/_security/role/{name}", "role/put", principals.put_role),
    (("DELETE",), "/_security/role/{name}", "role/delete", principals.delete_role),
    (("GET",), "/_security/user", "user/get", principals.get_users),
    (("GET",), "/_security/user/{username}", "user/get", principals.get_users),
    (("PUT", "POST"), "/_security/user/{username}", "user/put", principals.put_user),
    (("DELETE",), "/_security/user/{username}", "user/delete", principals.delete_user),
    (("PUT", "POST"), "/_security/user/{username}/_password", "user/change_password", principals.put_password),
    (("GET",), "/_security/privilege/_builtin", "privilege/builtin/get", principals.get_builtin),
    (("PUT", "POST"), "/_security/api_key", None, keys.create_key),
    (("GET",), "/_security/api_key", None, keys.get_keys),
    (("DELETE",), "/_security/api_key", None, keys.invalidate_keys),
    (("GET",), "/_security/service", "service_account/get", service_account),
    (("GET",), "/_security/service/{namespace}", "service_account/get", service_account),
    (("GET",), "/_security/service/{namespace}/{service}", "service_account/get", service_account),
)


def add_security(table: Routes[Endpoint]) -> None:
    """Put all `_security` endpoints into the table."""
    for methods, template, action, handler in _ENDPOINTS:
        table.add(methods, template, Endpoint(handler, None if action is None else _PREFIX + action))
