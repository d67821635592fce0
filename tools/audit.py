"""Look up the locked packages' known vulnerabilities; exit status 2 when that was not possible."""

import json
import subprocess
import sys
from pathlib import Path

_LOCKS = ("run", "test", "build", "tools")


def main(pip_audit: str) -> int:
    """Audit all files of pinned packages: 0 none known, 1 some known, 2 not all looked up."""
    status = 0
    for lock in _LOCKS:
        path = Path("requirements") / f"{lock}.txt"
        status = max(status, _audit(pip_audit, path))
    return status


def _audit(pip_audit: str, path: Path) -> int:
    run = subprocess.run(
        [
            *(pip_audit, "--requirement", path, "--require-hashes", "--disable-pip"),
            *("--progress-spinner", "off", "--format", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"{path}: NOT AUDITED. pip-audit said: {run.stderr.strip()[-500:]}")
        return 2
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    known = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version yet'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    looked_up = len(packages) - len(unknown)
    print(f"{path}: {looked_up} of {len(packages)} looked up, {len(known)} known vulnerabilities")
    for line in known:
        print(f"  {line}")
    if packages and not looked_up:
        print("  NOT AUDITED: the advisory data is out of reach from here, so nothing is known.")
    elif unknown:
        print("  NOT AUDITED, no advisory data within reach for: " + ", ".join(unknown))
    return 2 if unknown else int(bool(known))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
