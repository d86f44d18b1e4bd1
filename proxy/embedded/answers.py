"""Answers of the layer, in the format that the request asks for."""

from collections.abc import Sequence

from proxy.embedded.backend import Answer
from proxy.embedded.core import media
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.filtering import filtered
from proxy.embedded.core.json_text import Json
from proxy.embedded.request import Request
from proxy.errors import Refusal

PRODUCT = ("X-elastic-product", "Elasticsearch")


def answer(request: Request, value: Json, status: int = 200) -> Answer:
    """`value` as the answer, filtered by `filter_path`, in the format asked for."""
    paths = request.query.get("filter_path")
    shown = (filtered(value, paths.split(",")) or {}) if paths else value
    return _rendered(request, shown, status, (PRODUCT,))


def failed(request: Request, failure: Refusal | ElasticError) -> Answer:
    """An error as the answer. Errors are not filtered; 401 and 403 do not name the product."""
    # `SecurityRestFilter` strips the headers that were collected so far from a denial, the product's name among them.
    product = () if failure.status in (401, 403) else (PRODUCT,)
    added = failure.headers if isinstance(failure, Refusal) else ()
    return _rendered(request, failure.body(), failure.status, (*product, *added))


def _rendered(request: Request, value: Json, status: int, headers: Sequence[tuple[str, str]]) -> Answer:
    pretty, form = False, media.JSON
    try:
        pretty = request.query.get("pretty", "false") != "false"
        form = request.media.answer
    except ElasticError:
        # What is wrong with the query or the headers is itself told as JSON.
        form = media.JSON
    body = media.encode(form, value, pretty=pretty)
    return Answer(status=status, headers=(*headers, ("content-type", form.header())), body=body)
