"""Exports of a made-up bookshop, and what is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from schemas.action import Category
from schemas.cjds import Imported, read_exports, translate

CAMEL = """\
{
  "templates": [
    {
      "id": "5f00000000000000000000a1",
      "name": "Readers",
      "attributes": [
        {
          "displayName": "Pages seen in 2 hours", "event": "page:seen", "metaDataType": "string",
          "metaData": "section", "limit": 100, "lookBackDurationType": "hours", "lookBackPeriod": 2,
          "aggregationMode": "Count", "verbose": false,
          "rules": {"logic": "OR", "args": [
            "page:seen,section,string,Value EQ crime",
            {"logic": "AND", "args": [
              "page:seen,section,string,Value EQ poetry", "page:seen,seconds,integer,Value GTE 30"]}]}
        },
        {
          "displayName": "Spent", "event": "Book Bought", "metaDataType": "double", "metaData": "price",
          "limit": 500, "lookBackDurationType": "days", "lookBackPeriod": 30, "aggregationMode": "Sum"
        },
        {
          "displayName": "Titles", "event": "Book Bought", "metaDataType": "string", "metaData": "title",
          "limit": 20, "lookBackDurationType": "months", "lookBackPeriod": 6, "aggregationMode": "Value"
        }
      ]
    }
  ],
  "actions": [
    {
      "name": "Good Reader", "templateId": "5f00000000000000000000a1", "isActive": true,
      "cooldownPeriodInMinutes": 2880,
      "rules": {"logic": "AND", "args": [
        "page:seen,section,string,Count GTE 2",
        {"logic": "OR", "args": [
          "Book Bought,price,double,Sum GT 99.5", "Book Bought,title,string,Value HAS No. 7"]}]},
      "actionTriggers": [
        {"type": "Webhook", "webhookURL": "https://hooks.example.com/r", "attributes": {"httpverb": "post"}},
        {"type": "WXConnect", "flowId": 12}
      ]
    }
  ]
}
"""

PASCAL = """\
{
  "Templates": [
    {
      "Id": "5f00000000000000000000a1",
      "Name": "Readers",
      "Attributes": [
        {
          "DisplayName": "Pages seen in 2 hours", "Event": "page:seen", "MetaDataType": "String",
          "MetaData": "section", "Limit": 100, "LookBackDurationType": "Hours", "LookBackPeriod": 2,
          "AggregationMode": "COUNT", "Verbose": false,
          "Rules": {"Logic": "OR", "Args": [
            "'page:seen','section','Value' EQ 'crime'",
            {"Logic": "AND", "Args": [
              "'page:seen','section','Value' EQ poetry", "'page:seen','seconds','Integer','Value' GTE 30"]}]}
        },
        {
          "DisplayName": "Spent", "Event": "Book Bought", "MetadataType": "Double", "Metadata": "price",
          "Limit": 500, "LookbackDurationType": "days", "LookbackPeriod": 30, "AggregationMode": "Sum"
        },
        {
          "DisplayName": "Titles", "Event": "Book Bought", "MetadataType": "string", "Metadata": "title",
          "Limit": 20, "LookbackDurationType": "MONTHS", "LookbackPeriod": 6, "AggregationMode": "value"
        }
      ]
    }
  ],
  "Actions": [
    {
      "Name": "Good Reader", "TemplateId": "Readers", "Active": true,
      "CooldownPeriodInMinutes": 2880,
      "Rules": {"Logic": "and", "Args": [
        "'page:seen','section','Count' GTE 2",
        {"Logic": "or", "Args": [
          "'Book Bought','price','Sum' GT 99.5", "'Book Bought','title','Value' HAS 'No. 7'"]}]},
      "ActionTriggers": [
        {"Type": "Webhook", "WebhookURL": "https://hooks.example.com/r", "Attributes": {"httpverb": "post"}},
        {"Type": "WXConnect", "FlowId": 12}
      ]
    }
  ]
}
"""

PROFILES = """\
# From profile view templates of CJDS.
templates:
  - name: readers
    attributes:
      - name: pages_seen_in_2_hours
        event: page.seen
        aggregate: count
        limit: 100
        lookback: 2h
        where:
          all:
            - {field: section, op: exists}
            - any:
                - {field: section, op: eq, value: crime}
                - all:
                    - {field: section, op: eq, value: poetry}
                    - {field: seconds, op: ge, value: 30}
      - {name: spent, event: book_bought, field: price, aggregate: sum, limit: 500, lookback: 30d}
      - {name: titles, event: book_bought, field: title, aggregate: value, limit: 20, lookback: 180d}
"""

JOURNEY = """\
# From the journey action "Good Reader" of CJDS.
name: good_reader
version: 1
active: true
category: commercial
entry:
  condition:
    all:
      - {attribute: pages_seen_in_2_hours, op: ge, value: 2}
      - any:
          - {attribute: spent, op: gt, value: 99.5}
          - {attribute: titles, op: contains, value: No. 7}
  cooldown: 2d
steps:
  - send: webhook
    channel: webhook
    template: good_reader
    data:
      webhook_url: {value: 'https://hooks.example.com/r'}
      attributes:
        value: {httpverb: post}
  - send: wx_connect
    channel: wx_connect
    template: good_reader
    data:
      flow_id: {value: 12}
"""

FIELDS: dict[str, list[dict[str, Any]]] = {
    "page.seen": [{"name": "section", "type": "string"}, {"name": "seconds", "type": "int"}],
    "book_bought": [{"name": "price", "type": "double"}, {"name": "title", "type": "string"}],
}


def schema_text(event: str) -> str:
    """The schema of one of the bookshop's event types."""
    fields = [{"doc": "What it says.", **field} for field in FIELDS[event]]
    name = event.replace(".", "_").title().replace("_", "")
    record = {"type": "record", "name": name, "eventType": event, "version": 1, "doc": "An event."}
    return json.dumps({**record, "fields": fields})


def attribute(**more: Any) -> dict[str, Any]:
    """An attribute as the newer API has it, of the last week's pages; a key that is None is left out."""
    keys = {
        "displayName": "pages", "event": "seen", "metaDataType": "string", "metaData": "section", "limit": 1,
        "lookBackDurationType": "days", "lookBackPeriod": 7, "aggregationMode": "Value", **more,
    }  # fmt: skip
    return {key: value for key, value in keys.items() if value is not None}


def template(*attributes: Any, **more: Any) -> dict[str, Any]:
    return {"name": "readers", "attributes": list(attributes), **more}


def action(rules: Any, **more: Any) -> dict[str, Any]:
    triggers = [{"type": "Webhook"}]
    return {"name": "act", "isActive": True, "rules": rules, "actionTriggers": triggers, **more}


def imported(folder: Path, *values: Any, category: Category = Category.COMMERCIAL) -> Imported:
    """What is made of exports with these values, one a file: `0.json`, `1.json` and so on."""
    paths = []
    for number, value in enumerate(values):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(value if isinstance(value, str) else json.dumps(value))
    return translate(read_exports(paths), category)


def told(result: Imported, *, loss: bool) -> list[str]:
    """The remarks, each with its file's name and its JSON path."""
    return [
        f"{remark.path.name}: {remark.where}: {remark.message}"
        for remark in result.remarks
        if remark.loss is loss
    ]


def attributes(result: Imported) -> list[dict[str, Any]]:
    """Those of the profiles.yaml that came of an import."""
    file = yaml.safe_load(result.files["profiles.yaml"])
    return [one for template in file["templates"] for one in template["attributes"]]
