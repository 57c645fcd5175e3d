"""The sinks of a running job."""

from __future__ import annotations

from pipelines.journey import JourneySinks
from pipelines.live_config import LiveConfig
from pipelines.live_services import dataset_of, live_subscription, profiles_of, pubsub_host
from pipelines.wall_clock import wall_clock_us
from schemas.workspace.model import Workspace
from sinks.bigquery_dead_letters import BigQueryDeadLetters
from sinks.bigquery_decisions import BigQueryDecisions
from sinks.bigquery_journal import RecordedAsSent
from sinks.bigquery_tape import BigQueryTape
from sinks.live_publisher import LivePublisher
from sinks.pubsub_publisher import PubSubActions


def live_sinks(config: LiveConfig, workspace: Workspace) -> JourneySinks:
    """Where a running job writes; connected when first used."""
    dataset = dataset_of(config)
    actions = PubSubActions(config.project, workspace.name, wall_clock_us, emulator_host=pubsub_host(config))
    return JourneySinks(
        BigQueryTape(dataset),
        BigQueryDeadLetters(dataset),
        profiles_of(config, workspace),
        LivePublisher(actions, BigQueryDecisions(dataset), RecordedAsSent(dataset)),
        live_subscription(config),
    )
