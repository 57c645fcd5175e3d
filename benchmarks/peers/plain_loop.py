"""The job as one Python loop without a framework: what the parts cost by themselves."""

from __future__ import annotations

from benchmarks.peers.parts import Job
from transforms.core.fold_event import FoldEvent


def run(job: Job) -> None:
    """Runs the job; all events that profiles need stay in memory."""
    decoder, reduction, profiles = job.decoder(), job.reduction(), job.profiles()
    persons: dict[str, list[FoldEvent]] = {}
    as_of_us = 0
    for split in job.source.splits():
        for batch in job.source.read(split):
            decoded = decoder.decode(batch)
            job.keep(decoded)
            as_of_us = max([as_of_us, *(event.publish_us for event in decoded.events)])
            for event in reduction.of_all(decoded.events):
                held = persons.get(event.person_id)
                if held is None:
                    persons[event.person_id] = [event]
                else:
                    held.append(event)
    profiles.advance(persons, as_of_us)
    profiles.close()
    job.finish(profiles.folded)
