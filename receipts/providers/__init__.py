"""Those who carry our receipts: one file a vendor, and its words stop there."""
