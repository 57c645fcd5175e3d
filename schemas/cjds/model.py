"""The shape of what CJDS exports, in every spelling that its APIs had.

Parts that can be refused by themselves are `Any` here and have models of their own.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from schemas.cjds.casing import fold, respelled
from schemas.cjds.remarks import At, RefusedError
from schemas.workspace.phrases import found

Model = TypeVar("Model", bound="ForeignModel")

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "model_type": "an object",
}
_BOOKKEEPING = {
    "createdat", "createdby", "updatedat", "updatedby", "organizationid", "organization", "namespace",
    "workspaceid", "datapointcount", "version",
}  # fmt: skip


class ForeignModel(BaseModel):
    """An object of theirs: any spelling of a key, unknown keys are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _respell(cls, value: Any) -> Any:
        return respelled(value, cls.model_fields) if isinstance(value, dict) else value

    def unknown(self) -> dict[str, Any]:
        """The keys that the model does not know."""
        return self.model_extra or {}


class ViewTemplate(ForeignModel):
    """A profile view template."""

    id: str | None = None
    name: str | None = None
    attributes: list[Any]


class ViewAttribute(ForeignModel):
    """An attribute of a profile view template."""

    display_name: str | None = None
    event: str
    meta_data: str | None = None
    meta_data_type: str = "string"
    aggregation_mode: str
    limit: int | None = Field(default=None, ge=0)
    look_back_duration_type: str | None = None
    look_back_period: int | None = None
    rules: Any = None
    verbose: bool = False
    widget_attributes: Any = None


class Rules(ForeignModel):
    """Rules: one condition, or several joined by a logic."""

    logic: str | None = None
    condition: str | None = None
    args: list[Any] | None = None


class JourneyAction(ForeignModel):
    """A journey action."""

    id: str | None = None
    name: str
    template_id: str | None = None
    is_active: bool | None = None
    cooldown_period_in_minutes: int = Field(default=0, ge=0)
    rules: Any
    action_triggers: list[Any] = []


class ActionTrigger(ForeignModel):
    """What a journey action sets off; its other keys depend on the type."""

    type: str


def parse(at: At, value: Any, model: type[Model]) -> Model:
    """The value at a place as a model.

    Raises:
        RefusedError: it has mistakes; tells of all but the last.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        *others, last = [
            RefusedError(at.at(*detail["loc"]), _sentence(detail), "correct it")
            for detail in error.errors(include_url=False)
        ]
        for other in others:
            other.tell("this")
        raise last from None


def tell_unknown(at: At, model: ForeignModel) -> None:
    """Tells of the keys of an object that nothing is made of."""
    for key, value in model.unknown().items():
        if fold(key) in _BOOKKEEPING:
            at.at(key).note("is bookkeeping of CJDS; it is left out")
        else:
            at.at(key).lose(f"is not known, found {found(value)}; it is left out: express it by hand")


def _sentence(detail: ErrorDetails) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "missing":
        return f"expected the key {to_camel(str(detail['loc'][-1]))}, found none"
    if kind == "greater_than_equal":
        return f"expected a number of at least {detail['ctx']['ge']}, found {value}"
    return f"expected {_EXPECTED.get(kind, detail['msg'])}, found {found(value)}"
