"""The archive of older receipts: files by month and shard, read by customer."""
