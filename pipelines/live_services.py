"""The services of a running job: its firehose, tables and topics, real or emulated."""

from __future__ import annotations

from pipelines.live_config import LiveConfig
from schemas.workspace.model import Workspace
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_tables import BigQueryTables
from sinks.bigtable_client import TableAddress
from sinks.bigtable_profiles import BigtableProfiles
from sinks.bigtable_tables import ensure_table
from sinks.pubsub_subscription import PubSubSubscription
from sinks.pubsub_topics import PubSubTopics


def live_subscription(config: LiveConfig) -> PubSubSubscription:
    """The firehose."""
    return PubSubSubscription(
        config.project,
        config.subscription,
        emulator_host=pubsub_host(config),
        ack_deadline_seconds=config.ack_deadline_seconds,
    )


def profiles_of(config: LiveConfig, workspace: Workspace) -> BigtableProfiles:
    """The profiles of a workspace."""
    return BigtableProfiles(_table_of(config), workspace.name, cache_bytes=config.cache_mb << 20)


def dataset_of(config: LiveConfig) -> BigQueryDataset:
    """Where tape, decisions and dead letters are."""
    endpoints = config.endpoints
    return BigQueryDataset(
        config.project,
        config.dataset,
        config.location,
        None if endpoints is None else endpoints.bigquery_rest,
        None if endpoints is None else endpoints.bigquery,
    )


def make_resources(config: LiveConfig, workspace: Workspace) -> None:
    """Makes topics, subscriptions, tables and views, as far as they are not there."""
    with PubSubTopics(config.project, emulator_host=pubsub_host(config)) as topics:
        topics.ensure_firehose(workspace.name, config.ack_deadline_seconds)
        topics.ensure_actions(workspace.name, workspace.channels)
    ensure_table(_table_of(config), [workspace.name])
    BigQueryTables(dataset_of(config)).ensure()


def _table_of(config: LiveConfig) -> TableAddress:
    host = None if config.endpoints is None else config.endpoints.bigtable
    return TableAddress(config.project, config.instance, config.table, emulator_host=host)


def pubsub_host(config: LiveConfig) -> str | None:
    """Of Pub/Sub's emulator, None for the service."""
    return None if config.endpoints is None else config.endpoints.pubsub
