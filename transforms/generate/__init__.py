"""Generated firehoses: any number of events for any workspace, the same bytes for the same seed."""

from transforms.generate.faults import Fault
from transforms.generate.firehose import Firehose
from transforms.generate.plan import Plan, Tally
from transforms.generate.realism import Realism, read_realism

__all__ = ["Fault", "Firehose", "Plan", "Realism", "Tally", "read_realism"]
