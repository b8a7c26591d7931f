"""Random streams by name."""

from hashlib import blake2b

import numpy as np


class Streams:
    """Independent random generators spawned from one seed by name.

    A stream belongs to one component and purpose (``"database.query"``), so a variant of a
    design shares the draws of everything it did not change: common random numbers. The seed of
    a stream is the entropy (seed, replication, digest of the name) fed to numpy's SeedSequence.
    """

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication

    def generator(self, name: str) -> np.random.Generator:
        """A fresh generator for the stream; the same name always starts the same sequence."""
        digest = blake2b(name.encode(), digest_size=16).digest()
        words = np.frombuffer(digest, dtype=np.uint32).tolist()
        sequence = np.random.SeedSequence([self.seed, self.replication, *words])
        return np.random.Generator(np.random.PCG64DXSM(sequence))
