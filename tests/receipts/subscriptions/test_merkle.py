"""Merkle trees: known roots, and proofs that lead to them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.subscriptions.merkle import MerkleTree, inclusion_proof, leaf_hash

#: The tree of certificate-transparency's reference test (RFC 6962 hashing, eight leaves).
LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def tree_of(leaves: list[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree


@pytest.mark.parametrize(("count", "root"), ROOTS.items())
def test_root_is_that_of_the_reference_tree(count: int, root: str):
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:count]]
    assert tree_of(leaves).root().hex() == root


def root_from(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The verification of RFC 9162, section 2.1.3.2."""
    last = size - 1
    for sibling in path:
        if index % 2 or index == last:
            leaf = hashlib.sha256(b"\x01" + sibling + leaf).digest()
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            leaf = hashlib.sha256(b"\x01" + leaf + sibling).digest()
        index, last = index // 2, last // 2
    assert last == 0
    return leaf


@given(size=st.integers(1, 70), data=st.data())
def test_proof_leads_from_its_leaf_to_the_root_and_from_no_other(size: int, data: st.DataObject):
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(leaves, index)
    assert root_from(leaves[index], index, size, path) == tree_of(leaves).root()
    assert root_from(leaf_hash(b"forged"), index, size, path) != tree_of(leaves).root()


def test_memory_of_a_tree_grows_with_the_logarithm_of_its_leaves():
    tree = tree_of([leaf_hash(b"%d" % number) for number in range(100_000)])
    (hashes,) = (each for each in vars(tree).values() if isinstance(each, list))
    assert tree.size == 100_000
    assert len(hashes) < 18
