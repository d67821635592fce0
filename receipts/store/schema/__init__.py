"""The version of a store's records: its stamp, and the steps from one version to the next."""
