"""Read-only views of one customer's account: pages of receipts, history, unpaid fees."""
