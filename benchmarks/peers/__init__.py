"""The job of `cjaas run`, built by other means."""

PEERS = ("pathway_v2", "pathway_v3", "plain_loop", "elementwise_beam", "bytewax_job", "pathway_job")
