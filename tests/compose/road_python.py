"""road_python.py - tests/e2e/test_python.py against the containers of tests/compose/road.test.mjs

Started by it with the project in PARLEY_COMPOSE; has no stack of its own to stop."""
import json
import os
import subprocess
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import test_python  # noqa: E402


class ComposeStack(test_python.Stack):
    def __init__(self):
        project = json.loads(os.environ["PARLEY_COMPOSE"])
        self.name, self.cert = project["name"], project["cert"]
        self.tokens = set()
        self.dir = ""
        self.process = types.SimpleNamespace(poll=lambda: 0)  # nothing of ours runs
        self.run = {"door": {"port": project["ports"]["port"], "tls_port": project["ports"]["tlsPort"]}}
        self.door = f"http://127.0.0.1:{self.run['door']['port']}"
        self.tls_door = f"https://localhost:{self.run['door']['tls_port']}"

    def gateway(self, i):
        """The door chooses."""
        return self.door

    def logs(self):
        label = f"label=com.docker.compose.project={self.name}"
        listed = subprocess.run(["docker", "ps", "-a", "--filter", label, "--format", "{{.Names}}"],
                                capture_output=True, check=True, text=True)
        for name in listed.stdout.split():
            said = subprocess.run(["docker", "logs", name], capture_output=True, check=True, text=True)
            yield name, said.stdout + said.stderr


test_python.Stack = ComposeStack


class PythonClientInContainers(test_python.PythonClient):
    def test_zz_stack_stops_cleanly(self):
        """Last by its name.  Here: no token in the log of any container."""
        self.assertTrue(self.stack.tokens)
        logs = list(self.stack.logs())
        self.assertGreater(len(logs), 5)
        for name, text in logs:
            for token in self.stack.tokens:
                self.assertFalse(token in text, f"{name} holds a token")
