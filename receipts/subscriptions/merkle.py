"""Merkle trees of RFC 9162: the root of any number of entries, and the proof for one of them."""

import hashlib
from collections.abc import Sequence


def leaf_hash(data: bytes) -> bytes:
    """SHA-256 of an entry; the prefix keeps an entry from passing for a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """The root over leaf hashes added one by one; memory grows with their logarithm."""

    def __init__(self) -> None:
        self.size = 0
        #: Roots of full subtrees, the largest first; their sizes are the bits of ``size``.
        self._subtrees: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        self.size += 1
        joins = self.size
        while joins % 2 == 0:
            leaf = _node_hash(self._subtrees.pop(), leaf)
            joins //= 2
        self._subtrees.append(leaf)

    def root(self) -> bytes:
        """The root hash; that of an empty tree is the hash of no bytes."""
        if not self._subtrees:
            return hashlib.sha256().digest()
        *others, root = self._subtrees
        for left in reversed(others):
            root = _node_hash(left, root)
        return root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from one leaf to the root, the leaf's sibling first."""
    if len(leaves) == 1:
        return []
    # The largest power of two below the number of leaves.
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return [*inclusion_proof(left, index), _root_of(right)]
    return [*inclusion_proof(right, index - split), _root_of(left)]


def _root_of(leaves: Sequence[bytes]) -> bytes:
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()
