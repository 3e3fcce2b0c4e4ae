"""deb_chat.py - two people and two gateways; runs inside the container of deb.test.mjs

usage: deb_chat.py LOGIN_URL GATEWAY_URL GATEWAY_URL

Logs both in, connects each to one of the gateways, sends a message across, and logs out again.  The
last line is "chatted"."""
import os
import queue
import sys
import traceback

import requests
import socketio

WAIT_S = 20
login_url, *gateways = sys.argv[1:]


class Person:
    def __init__(self, name, url):
        self.name = name
        answer = requests.get(f"{login_url}/login/{name}", timeout=WAIT_S)
        answer.raise_for_status()
        self.token = answer.json()["token"]
        self.messages = queue.Queue()
        self.changes = queue.Queue()
        self.client = socketio.Client(reconnection=False)
        self.client.on("message_in", self.messages.put)
        self.client.on("user_change_in", self.changes.put)
        self.client.connect(url, transports=["websocket"], auth={"token": self.token},
                            wait_timeout=WAIT_S)

    def see(self, key, name):
        """Waits for a change of the list that has `name` under `key`."""
        while name not in self.changes.get(timeout=WAIT_S).get(key, []):
            pass

    def log_out(self):
        answer = requests.get(f"{login_url}/logout/{self.name}", timeout=WAIT_S,
                              headers={"Authorization": "Bearer " + self.token})
        answer.raise_for_status()


def chat():
    alice = Person("alice", gateways[0])
    alice.see("users", "alice")
    bob = Person("bob", gateways[1])
    alice.see("joined", "bob")
    sent = alice.client.call("message_out", {"receiver": "bob", "message_text": "hello"}, timeout=WAIT_S)
    got = bob.messages.get(timeout=WAIT_S)
    assert sent["ok"] and got["message_id"] == sent["message_id"], (sent, got)
    assert (got["sender"], got["receiver"], got["message_text"]) == ("alice", "bob", "hello"), got
    bob.log_out()
    alice.see("left", "bob")
    alice.log_out()
    alice.client.wait()  # the gateway closes it


try:
    chat()
except BaseException:
    traceback.print_exc()
    os._exit(1)  # a client that is still connected would keep us alive
print("chatted", flush=True)
os._exit(0)
