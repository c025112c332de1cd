"""Reading the types of configuration models: which members a union has, what stands at a place, where secrets are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from knowledge_connector.kit.config import keys


def members(annotation: Any) -> Iterator[Any]:
    """Give the types that a field may have: the members of a union, each without `Annotated`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from members(member)
    else:
        yield annotation


def is_model(annotation: Any) -> bool:
    """Whether this is a model class (a parametrised `list[…]` is no class, though `isinstance` says so)."""
    return get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_mapping(annotation: Any) -> bool:
    """Whether this is a table of free keys."""
    origin = get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, Mapping)


def is_container(annotation: Any) -> bool:
    """Whether a value of this type is a list or a table."""
    return (
        annotation in (list, tuple, dict, set, frozenset)
        or get_origin(annotation) not in (None, Literal)
        or is_model(annotation)
    )


def item_type(annotation: Any) -> Any:
    """Give the type of a container's items, `Any` if it does not say."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal or not arguments:
        return Any
    return arguments[1] if is_mapping(annotation) and len(arguments) > 1 else arguments[0]


def at(model: type[BaseModel], place: Iterable[str | int]) -> list[Any]:
    """Give the types at a location as pydantic names it; tags and names of union members choose among them."""
    here: list[Any] = [model]
    for part in place:
        below = [inner for one in here for inner in _below(one, part)]
        here = below or [one for one in here if _is_called(one, part)] or here
    return here


def holds_secret(annotation: Any) -> bool:
    """Whether a value of this type may be a secret, or a list or table with secrets (a model's fields do not count)."""
    return annotation is SecretStr or any(
        holds_secret(inner) for inner in get_args(annotation) if get_origin(annotation) is not Literal
    )


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    if is_model(annotation):
        field = keys(annotation).get(str(part))
        if field is not None:
            yield from members(field.annotation)
    elif isinstance(part, int) or is_mapping(annotation):
        yield from members(item_type(annotation))


def _is_called(annotation: Any, part: str | int) -> bool:
    """Whether a union member goes by this name: of its class, or of a `Literal` field that tells it from the others."""
    return is_model(annotation) and (
        annotation.__name__ == part
        or any(
            part in get_args(field.annotation)
            for field in annotation.model_fields.values()
            if get_origin(field.annotation) is Literal
        )
    )
