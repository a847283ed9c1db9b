"""How an API of ours reads, answers, refuses and describes itself; `application.py` gives it its routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.router import BoundRouter

from selbsthelfer.api.bodies import JsonParser
from selbsthelfer.api.description import ABOUT, complete
from selbsthelfer.api.problems import answer_problem
from selbsthelfer.api.refusing import problem_of
from selbsthelfer.api.rendering import JsonRenderer


class Api(NinjaAPI):
    """The routes: answers are written by alias, and a route is known by the name of its function."""

    def get_content_type(self) -> str:
        """Name the media type as RFC 8259 does: JSON is always in UTF-8."""
        return self.renderer.media_type or ""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Name a route by its function, so that generated clients keep their names when a file moves."""
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Describe the routes, with what holds for all of them."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        complete(schema, {self._id_of(operation): operation for operation in self.operations()})
        return schema

    def operations(self) -> Iterator[Operation]:
        """List the routes."""
        for router in self._get_bound_routers():
            for path_view in router.path_operations.values():
                yield from path_view.operations

    def _id_of(self, operation: Operation) -> str:
        return operation.operation_id or self.get_openapi_operation_id(operation)

    def _get_bound_routers(self) -> list[BoundRouter]:
        routers = super()._get_bound_routers()
        for router in routers:
            for path_view in router.path_operations.values():
                for operation in path_view.operations:
                    operation.by_alias = True
        return routers


def make_api(namespace: str) -> Api:
    """Make an API without routes."""
    made = Api(
        title="Selbsthelfer",
        version="1.0.0",
        description=ABOUT,
        openapi_url=None,
        docs_url=None,
        urls_namespace=namespace,
        parser=JsonParser(),
        renderer=JsonRenderer(),
    )
    for kind in (Exception, Http404, HttpError, ValidationError):
        made.add_exception_handler(kind, _say_no)
    return made


def _say_no(request: HttpRequest, error: Any) -> HttpResponse:
    return answer_problem(request, problem_of(error))
