"""The job of `cjaas run`, built by other means."""

PEERS = ("plain_loop", "elementwise_beam", "bytewax_job", "pathway_job")
