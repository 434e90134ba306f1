"""The GraphQL endpoint: queries are executed by graphql-core, nothing is canned.

Imported only when the first query comes, since graphql-core is slow to import.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from graphql import DocumentNode, GraphQLError, build_schema, execute_sync, parse, validate

from infrastructure.demo.graphql_values import Root
from infrastructure.demo.messages import Answer, Request

_REFERER: Final = "https://www.imdb.com/"
_DISCLAIMER: Final = "Invented titles of a demo site. Where this stands, the real site's answers limit the use of data."
_NOT_FOUND: Final = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}


class GraphQLEndpoint:
    """Answers POSTed queries about a catalogue."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._schema = build_schema(Path(__file__).with_name("schema.graphql").read_text("utf-8"))
        self._persisted: dict[str, str] = {}
        self._document = lru_cache(maxsize=64)(self._checked)

    def answer(self, request: Request, forbidden: Answer) -> Answer:
        """The answer to one POST.

        ``forbidden`` is what comes without the Referer that the real site insists on.
        """
        if not request.headers.get("referer", "").startswith(_REFERER):
            return forbidden
        try:
            asked = json.loads(request.body)
            query, variables = asked.get("query"), asked.get("variables") or {}
            digest = (asked.get("extensions") or {}).get("persistedQuery", {}).get("sha256Hash")
        except (ValueError, AttributeError):
            return _failed(400, "The body is not a JSON object.")
        if digest is not None:
            if query is None:
                query = self._persisted.get(digest)
            elif hashlib.sha256(query.encode()).hexdigest() != digest:
                return _failed(400, "provided sha does not match query")
            if query is None:
                return Answer.json({"errors": [_NOT_FOUND]})
            self._persisted[digest] = query
        if not isinstance(query, str):
            return _failed(400, "Must provide query string.")
        return self._execute(query, variables, asked.get("operationName"))

    def _execute(self, query: str, variables: dict[str, Any], operation: str | None) -> Answer:
        try:
            document = self._document(query)
        except GraphQLError as error:
            return _failed(400, error.message)
        result = execute_sync(self._schema, document, self._root, variable_values=variables, operation_name=operation)
        content: dict[str, Any] = {"data": result.data}
        if result.errors:
            content["errors"] = [error.formatted for error in result.errors]
        content["extensions"] = {"disclaimer": _DISCLAIMER, "experimentalFields": {"janet": []}}
        return Answer.json(content, status=400 if result.data is None and result.errors else 200)

    def _checked(self, query: str) -> DocumentNode:
        document = parse(query)
        if errors := validate(self._schema, document):
            raise errors[0]
        return document


def _failed(status: int, message: str) -> Answer:
    return Answer.json({"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}, status)
