"""The product: decode, fold and decide, without Beam, clocks, randomness or I/O."""
