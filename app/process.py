"""The folder in which all processes of the service count."""

#: Variable with the folder of the counts of all web processes; the library reads it at import.
SHARED_COUNTS = "PROMETHEUS_MULTIPROC_DIR"
