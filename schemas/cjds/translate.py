"""Templates and actions as the files of a workspace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from schemas.action import Category
from schemas.cjds.attributes import Known, known_attribute, translate_attribute
from schemas.cjds.journeys import translate_action
from schemas.cjds.model import JourneyAction, ViewAttribute, ViewTemplate, parse, tell_unknown
from schemas.cjds.names import EventTypes, Names
from schemas.cjds.read import Exports
from schemas.cjds.remarks import At, RefusedError, Remark
from schemas.workspace.phrases import found
from schemas.workspace.write import to_yaml


@dataclass(frozen=True)
class Imported:
    """What became of exports.

    Attributes:
        files: the text of each file, by its path within a workspace.
        remarks: what is to be told, in the order of the exports.
    """

    files: dict[str, str]
    remarks: list[Remark]


@dataclass(frozen=True)
class _Template:
    names: tuple[str | None, ...]
    has_id: bool
    attributes: list[Known]


def translate(exports: Exports, category: Category) -> Imported:
    """profiles.yaml and the journeys of exports: the same for the same exports, in whatever spelling.

    Args:
        category: of all journeys.
    """
    files: dict[str, str] = {}
    names, types = Names("template"), EventTypes()
    attribute_names = Names("attribute")
    templates, views = [], []
    for at, template in exports.templates:
        view, known = _translate_template(at, template, names, attribute_names, types)
        templates.append(known)
        if view["attributes"]:
            views.append(view)
    if views:
        files["profiles.yaml"] = "# From profile view templates of CJDS.\n" + to_yaml({"templates": views})
    journey_names = Names("journey")
    for at, action in exports.actions:
        name = journey_names.take(at.at("name"), action.name)
        try:
            attributes = _template_of(at.at("template_id"), action, templates).attributes
            journey = translate_action(at, action, name, attributes, category)
        except RefusedError as refused:
            refused.tell("the journey")
            continue
        title = json.dumps(action.name, ensure_ascii=True)
        files[f"journeys/{name}.yaml"] = f"# From the journey action {title} of CJDS.\n" + to_yaml(journey)
    return Imported(files, exports.remarks)


def _translate_template(
    at: At, template: ViewTemplate, names: Names, attribute_names: Names, types: EventTypes
) -> tuple[dict[str, Any], _Template]:
    title = template.name or template.id or ""
    name = names.take(at.at("name"), title)
    attributes, known = [], []
    for index, value in enumerate(template.attributes):
        here = at.at("attributes", index)
        file = None
        try:
            file = parse(here, value, ViewAttribute)
            title = file.display_name or f"{file.event} {file.meta_data or ''} {file.aggregation_mode}"
            attribute = attribute_names.take(here.at("display_name"), title)
            attributes.append(translate_attribute(here, file, attribute, types))
            known.append(known_attribute(file, attribute))
        except RefusedError as refused:
            refused.tell("the attribute")
            if file is not None:
                known.append(known_attribute(file, None))
    tell_unknown(at, template)
    view = {"name": name, "attributes": attributes}
    return view, _Template((template.id, template.name), template.id is not None, known)


def _template_of(at: At, action: JourneyAction, templates: list[_Template]) -> _Template:
    """The action's template: by its id or, as ids are given by the service, the only one without one."""
    wanted = action.template_id
    fitting = [template for template in templates if wanted is not None and wanted in template.names]
    if not fitting:
        fitting = [template for template in templates if wanted is None or not template.has_id]
    if len(fitting) != 1:
        what = f"expected the template of this action, found {found(wanted)}"
        raise RefusedError(at, f"{what}, which is none or not one alone of these files", "give its file too")
    return fitting[0]
