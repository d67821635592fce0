"""The rights of each role, in one table."""

from receipts.model.staff import Right, Role, StaffArea

_READING = frozenset({
    Right.VIEW_FIGURES, Right.VIEW_CUSTOMERS, Right.VIEW_STUCK, Right.VIEW_RULE_BOOK,
})  # fmt: skip

#: All rights of each role; a right that is missing here is refused.
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.CLERK: frozenset({Right.SERVE_CUSTOMERS}),
    Role.SUPERVISOR: frozenset({
        Right.SERVE_CUSTOMERS, Right.SUPERVISE_COUNTER, Right.VIEW_FIGURES, Right.VIEW_CUSTOMERS,
    }),
    Role.OPERATOR: _READING | {
        Right.EXPORT_CUSTOMER, Right.SETTLE_RECEIPTS, Right.SWITCH_BREAKERS,
        Right.PROPOSE_RULE_BOOK, Right.APPROVE_RULE_BOOK, Right.MANAGE_STAFF, Right.READ_AUDIT,
    },
    Role.AUDITOR: _READING | {Right.READ_AUDIT},
}  # fmt: skip


def has_right(role: Role, right: Right) -> bool:
    """Whether a role has a right."""
    return right in RIGHTS[role]


def rights_table() -> str:
    """The table as Markdown: a row a right, a column a role."""
    head = ["right", *Role]
    rows = [[right, *("yes" if has_right(role, right) else "" for role in Role)] for right in Right]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def counter_roles() -> frozenset[Role]:
    """The roles that serve a counter, and so belong to a shop."""
    return frozenset(role for role in Role if has_right(role, Right.SERVE_CUSTOMERS))


def may_enter(role: Role, area: StaffArea) -> bool:
    """Whether a role has a right of an area."""
    at_counter = {Right.SERVE_CUSTOMERS, Right.SUPERVISE_COUNTER}
    return bool(
        RIGHTS[role] & at_counter if area is StaffArea.COUNTER else RIGHTS[role] - at_counter
    )
