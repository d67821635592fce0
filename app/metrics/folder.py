"""Name of the environment variable with the folder of the counts of all web processes.

The metrics library reads it when it is imported, so the server sets it before.
"""

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: The name of that folder in `DATA_DIR`.
FOLDER = "metrics"
