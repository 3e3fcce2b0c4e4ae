"""test_python.py - the whole road with python3-socketio, through the door, against two gateways"""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from unittest import mock

import requests
import socketio
import websocket

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, os.environ.get("PARLEY_BIN", "build/asan"))
MODULE = os.path.join(ROOT, os.environ.get("PARLEY_RELEASE", "build/release"), "parley.so")
WAIT_S = 15
# As tests/support/client.mjs has it; "polling,websocket" is what a client does by itself.
TRANSPORTS = os.environ.get("PARLEY_TRANSPORTS", "websocket").split(",")
SHORT = {"DOOR_PORT": "0", "GATEWAYS": "2", "GRACE_S": "2", "LEASE_MS": "5000",
         "PING_INTERVAL_MS": "2000", "PING_TIMEOUT_MS": "5000"}
FINDINGS = re.compile("ERROR: AddressSanitizer|runtime error|LeakSanitizer|ThreadSanitizer")


def until(what, probe, timeout=WAIT_S):
    end = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.02)


class Stack:
    """deploy/run in a directory of its own; see also tests/support/stack.mjs."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="parley-e2e-")
        self.tokens = set()
        # setpriv: should we be killed, the stack goes with us.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", os.path.join(ROOT, "deploy/run"), "--bin", BIN,
             "--dir", self.dir, "--no-restart", "--quiet", "--module", MODULE],
            cwd=ROOT, env=dict(os.environ, **SHORT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            line = self.process.stdout.readline().decode()
            if not line.startswith("ready "):
                raise AssertionError(f"deploy/run: {line!r}")
            with open(os.path.join(self.dir, "run.json")) as f:
                self.run = json.load(f)
        except BaseException:
            self.kill()
            raise
        self.door = f"http://127.0.0.1:{self.run['door']['port']}"
        self.tls_door = f"https://localhost:{self.run['door']['tls_port']}"
        self.cert = os.path.join(self.dir, "cert.pem")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def gateway(self, i):
        return next(f"http://127.0.0.1:{p['port']}" for p in self.run["processes"] if p["name"] == f"gateway-{i}")

    def request(self, path, headers=None, tls=False):
        door = self.run["door"]
        if tls:
            context = ssl.create_default_context(cafile=self.cert)
            conn = http.client.HTTPSConnection("localhost", door["tls_port"], timeout=WAIT_S, context=context)
        else:
            conn = http.client.HTTPConnection("127.0.0.1", door["port"], timeout=WAIT_S)
        with contextlib.closing(conn):
            conn.request("GET", path, headers=headers or {})
            res = conn.getresponse()
            return res.status, json.loads(res.read()), res.getheader("Set-Cookie")

    def login(self, name, tls=False):
        status, body, cookie = self.request(f"/login/{name}", tls=tls)
        if status == 200:
            self.tokens.add(body["token"])
        return status, body, cookie

    def logout(self, name, token):
        return self.request(f"/logout/{name}", {"Authorization": f"Bearer {token}"})[0]

    def stop(self):
        """Stops it by pid.  Its exit status, and what deploy/run said meanwhile."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=40)
        return self.process.returncode, said.decode()

    def logs(self):
        for process in self.run["processes"]:
            with open(process["log"], errors="replace") as f:
                yield process["name"], f.read()


class Peer:
    """A client with a diary of all events.  This client handles each in a thread of its own: the
    order of entries says nothing."""

    def __init__(self, stack, name=None):
        self.stack, self.name, self.token = stack, name, None
        self.diary = []
        self.grew = threading.Condition()
        self.sio = socketio.Client(reconnection=False)
        for event in ("connect", "disconnect", "connect_error", "session", "session_end", "message_in",
                      "message_error", "user_change_in"):
            self.sio.on(event, self.note_as(event))

    def note_as(self, event):
        def note(*args):
            with self.grew:
                self.diary.append((event, args[0] if args else None))
                self.grew.notify_all()
        return note

    def connect(self, url=None, auth=None, headers=None):
        self.sio.connect(url or self.stack.door, transports=TRANSPORTS, auth=auth,
                         headers=headers or {}, wait_timeout=WAIT_S)
        self.wait("user_change_in", lambda d: "users" in d)
        return self

    def enter(self, url=None):
        status, body, _ = self.stack.login(self.name)
        assert status == 200, body
        self.token = body["token"]
        return self.connect(url, auth={"token": self.token})

    def all(self, event, wanted=lambda data: True):
        return [data for e, data in list(self.diary) if e == event and wanted(data)]

    def wait(self, event, wanted=lambda data: True):
        with self.grew:
            if not self.grew.wait_for(lambda: self.all(event, wanted), WAIT_S):
                raise AssertionError(f"{self.name}: no {event} as wanted; got {self.diary[-10:]}")
        return self.all(event, wanted)[0]

    def ask(self, event, data):
        return self.sio.call(event, data, timeout=WAIT_S)

    def leave(self):
        if self.token:
            self.stack.logout(self.name, self.token)  # the server closes; this client must not race it
            self.join()
        else:
            self.disconnect()

    def disconnect(self):
        self.sio.disconnect()
        self.join()

    def join(self):
        """This client closes its socket while its thread still reads from it: until that thread has
        ended, a new connection that is given the same number would lose bytes to it."""
        for task in (self.sio.eio.read_loop_task, self.sio.eio.write_loop_task):
            if task:
                task.join(WAIT_S)
                assert not task.is_alive(), f"{self.name}: a thread of the client does not end"


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        if cls.stack.process.poll() is None:
            cls.stack.kill()
        shutil.rmtree(cls.stack.dir, ignore_errors=True)

    def peer(self, name):
        type(self).number += 1
        peer = Peer(self.stack, f"{name}{self.number}")
        self.addCleanup(peer.leave)
        return peer

    def test_connect_with_token(self):
        amy = self.peer("Amy").enter()
        self.assertEqual(amy.all("session"), [{"username": amy.name, "recovered": False, "message_max_bytes": 4096}])
        self.assertIn(amy.name, amy.all("user_change_in")[0]["users"])

    def test_connect_with_cookie(self):
        bea = self.peer("bea")
        _, body, cookie = self.stack.login(bea.name)
        bea.token = body["token"]
        bea.connect(headers={"Cookie": cookie.split(";")[0]})
        self.assertEqual(bea.wait("session")["username"], bea.name)

    def test_https_and_wss(self):
        cat = self.peer("cat")
        status, body, cookie = self.stack.login(cat.name, tls=True)
        cat.token = body["token"]
        self.assertEqual(status, 200)
        self.assertTrue(cookie.startswith("__Host-session="), cookie)
        cat.sio.disconnect()
        session = requests.Session()
        session.verify = self.stack.cert
        session.trust_env = False  # REQUESTS_CA_BUNDLE would win
        cat.sio = socketio.Client(reconnection=False, http_session=session)
        for event in ("session", "user_change_in"):
            cat.sio.on(event, cat.note_as(event))
        # websocket-client says "Origin: http://..." over wss too, which is another site's origin.
        plain = websocket.create_connection
        with mock.patch("websocket.create_connection", lambda *a, **k: plain(*a, suppress_origin=True, **k)):
            cat.connect(self.stack.tls_door, headers={"Cookie": cookie.split(";")[0]})
        self.assertEqual(cat.wait("session")["username"], cat.name)

    def test_refused_with_its_code(self):
        ended = self.peer("ended")
        token = self.stack.login(ended.name)[1]["token"]
        self.assertEqual(self.stack.logout(ended.name, token), 200)
        for label, auth, code in [("none", None, "not_logged_in"), ("forged", {"token": "A" * 43}, "session_expired"),
                                  ("ended", {"token": token}, "session_expired")]:
            with self.subTest(label):
                peer = self.peer("refused")
                peer.sio.connect(self.stack.door, transports=TRANSPORTS, auth=auth, wait=False)
                self.assertEqual(peer.wait("connect_error")["data"], {"code": code})
                self.assertEqual(peer.all("session"), [])
                self.assertNotIn("/", peer.sio.namespaces)

    def test_direct_message_between_gateways(self):
        alice = self.peer("Alice").enter(self.stack.gateway(1))
        bob = self.peer("Bob").enter(self.stack.gateway(2))
        carol = self.peer("Carol").enter(self.stack.gateway(2))
        ack = alice.ask("message_out", {"receiver": bob.name, "message_text": "h\u00e9llo \U0001f600 \0", "client_id": "1"})
        self.assertEqual(set(ack), {"ok", "message_id"})
        got = bob.wait("message_in", lambda m: m["message_id"] == ack["message_id"])
        self.assertEqual({**got, "sent_at": 0}, {
            "message_id": ack["message_id"], "sender": alice.name, "receiver": bob.name,
            "message_text": "h\u00e9llo \U0001f600 \0", "sent_at": 0})
        self.assertEqual(alice.wait("message_in"), {**got, "client_id": "1"})
        later = bob.ask("message_out", {"receiver": "group", "message_text": "marker"})
        carol.wait("message_in", lambda m: m["message_id"] == later["message_id"])
        self.assertEqual([m["message_text"] for m in carol.all("message_in")], ["marker"])

    def test_group_and_resend(self):
        peers = [self.peer("member").enter(self.stack.gateway(1 + i % 2)) for i in range(4)]
        payload = {"receiver": "group", "message_text": "once", "client_id": "same"}
        first = peers[0].ask("message_out", payload)
        self.assertEqual(peers[0].ask("message_out", payload), {**first, "dup": True})
        marker = peers[1].ask("message_out", {"receiver": "group", "message_text": "marker"})
        for peer in peers:
            peer.wait("message_in", lambda m: m["message_id"] == marker["message_id"])
            self.assertEqual(sorted(m["message_text"] for m in peer.all("message_in")), ["marker", "once"])

    def test_errors_with_and_without_ack(self):
        dan = self.peer("dan").enter()
        for payload, code in [({"receiver": "nobody-here", "message_text": "x"}, "no_such_user"),
                              ({"receiver": "group", "message_text": "x" * 4097}, "too_large"),
                              ({"receiver": "group"}, "invalid"), ([1], "invalid")]:
            with self.subTest(code):
                ack = dan.ask("message_out", payload)
                self.assertEqual((ack["ok"], ack["error"]["code"]), (False, code))
                seen = len(dan.all("message_error"))
                dan.sio.emit("message_out", payload)
                until("message_error", lambda: len(dan.all("message_error")) > seen)
                self.assertEqual(dan.all("message_error")[-1]["error"]["code"], code)

    def test_list_joined_and_left(self):
        watcher = self.peer("watcher").enter(self.stack.gateway(1))
        eve = self.peer("eve").enter(self.stack.gateway(2))
        watcher.wait("user_change_in", lambda d: eve.name in d.get("joined", []))
        eve.disconnect()
        watcher.wait("user_change_in", lambda d: eve.name in d.get("left", []))
        fay = self.peer("fay").enter(self.stack.gateway(2))
        watcher.wait("user_change_in", lambda d: fay.name in d.get("joined", []))
        self.assertEqual(self.stack.logout(fay.name, fay.token), 200)
        watcher.wait("user_change_in", lambda d: fay.name in d.get("left", []))
        self.assertEqual(watcher.ask("user_change_out", {}), {"ok": True})

    def test_logout_closes_every_socket(self):
        gus = self.peer("gus").enter(self.stack.gateway(1))
        tab = Peer(self.stack, gus.name)
        self.addCleanup(tab.sio.disconnect)
        tab.connect(self.stack.gateway(2), auth={"token": gus.token})
        self.assertEqual(self.stack.logout(gus.name, gus.token), 200)
        for peer in (gus, tab):
            peer.wait("disconnect")
            self.assertEqual(peer.all("session_end"), [{"code": "logged_out"}])
            self.assertFalse(peer.sio.connected)

    def test_zz_stack_stops_cleanly(self):
        """Last by its name: no sanitizer report, no token in a log, nothing had to be killed."""
        self.assertTrue(self.stack.tokens)
        status, said = self.stack.stop()
        self.assertEqual(status, 0)
        self.assertNotIn("did not end: killed", said)
        for name, text in self.stack.logs():
            found = FINDINGS.search(text)
            self.assertIsNone(found, f"{name}: {text[found.start():found.start() + 4000] if found else ''}")
            for token in self.stack.tokens:
                self.assertFalse(token in text, f"{name} holds a token")


if __name__ == "__main__":
    unittest.main()
