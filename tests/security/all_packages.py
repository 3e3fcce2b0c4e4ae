"""all_packages.py - the libraries of this system hold the security fixes that matter here

The versions are those that fixed what is known to concern us: older ones are to be upgraded, not
worked around.  Distributions that are not in the table are skipped, and say so.
"""
import re
import subprocess
import unittest

# package: (lowest good version, what it fixes)
LOWEST = {
    "12": {
        "libcjson1": ("1.7.15-1+deb12u4", "CVE-2023-53154, CVE-2023-26819, CVE-2025-57052"),
        "libhiredis0.14": ("0.14.1-3", "CVE-2021-32765, CVE-2020-7105"),
        "libmicrohttpd12": ("0.9.75-6", "CVE-2023-27371"),
        "redis-server": ("5:7.0.15-1~deb12u10", "CVE-2024-46981, CVE-2025-49844"),
        "haproxy": ("2.6.12-1+deb12u4", "the fixes of 2026"),
        "libssl3": ("3.0.22-1~deb12u2", "the fixes of 2026"),
    },
    "13": {
        "libwebsockets19t64": ("4.3.5-1+deb13u3", "CVE-2025-11677, CVE-2026-19773"),
    },
}


def release():
    with open("/etc/os-release") as f:
        fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', f.read(), re.M))
    return fields.get("ID"), fields.get("VERSION_ID")


def installed(package):
    done = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", package],
                          capture_output=True, text=True, check=False)
    status, _, version = done.stdout.partition(" ")
    return version if status == "installed" else None


def at_least(version, lowest):
    return subprocess.run(["dpkg", "--compare-versions", version, "ge", lowest], check=False).returncode == 0


class Packages(unittest.TestCase):
    def test_comparison_knows_older_from_newer(self):
        self.assertTrue(at_least("1.7.15-1+deb12u4", "1.7.15-1+deb12u4"))
        self.assertTrue(at_least("1.7.18-1", "1.7.15-1+deb12u4"))
        self.assertFalse(at_least("1.7.15-1+deb12u3", "1.7.15-1+deb12u4"))
        self.assertFalse(at_least("5:7.0.15-1~deb12u9", "5:7.0.15-1~deb12u10"))

    def test_installed_ones_are_patched(self):
        name, version = release()
        table = LOWEST.get(version) if name == "debian" else None
        if not table:
            self.skipTest(f"no table for {name} {version}")
        seen = 0
        for package, (lowest, why) in table.items():
            have = installed(package)
            seen += have is not None
            with self.subTest(package=package):
                self.assertTrue(have is None or at_least(have, lowest),
                                f"{package} {have} is older than {lowest} ({why}): apt-get install --only-upgrade {package}")
        self.assertGreater(seen, 0, "none of the table is installed here")


if __name__ == "__main__":
    unittest.main()
