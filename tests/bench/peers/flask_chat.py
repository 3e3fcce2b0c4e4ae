#!/usr/bin/python3
"""flask_chat.py - the same chat on Flask-SocketIO (gevent), as its documentation would have it

PORT: where it listens on 127.0.0.1.  LIST=1: tells who comes and goes, and everybody the list.
Says "ready" when it can be reached.
"""
from gevent import monkey

monkey.patch_all()

import os
import time

import gevent
from flask import Flask, request
from flask_socketio import SocketIO, join_room

LISTS = os.environ.get("LIST") == "1"
PORT = int(os.environ["PORT"])
app = Flask(__name__)
io = SocketIO(app, async_mode="gevent", ping_interval=25, ping_timeout=20)
users = {}  # name: sid
names = {}  # sid: name
ids = 0


@io.on("connect")
def connect(auth):
    name = auth["name"]
    if name in users:
        return False
    users[name] = request.sid
    names[request.sid] = name
    join_room(name)
    if LISTS:
        io.emit("user_change_in", {"users": list(users)}, to=request.sid)
        io.emit("user_change_in", {"joined": [name], "left": []}, skip_sid=request.sid)
    return True


@io.on("disconnect")
def disconnect():
    name = names.pop(request.sid, None)
    if name:
        del users[name]
        if LISTS:
            io.emit("user_change_in", {"joined": [], "left": [name]})


@io.on("message_out")
def message_out(data):
    global ids
    sender, receiver = names[request.sid], data["receiver"]
    if receiver != "group" and receiver not in users:
        return {"ok": False}
    ids += 1
    message = {"message_id": ids, "sender": sender, "receiver": receiver,
               "message_text": data["message_text"], "sent_at": int(time.time() * 1000)}
    if receiver == "group":
        io.emit("message_in", message)
    else:
        for name in {sender, receiver}:
            io.emit("message_in", message, to=name)
    return {"ok": True, "message_id": ids}


gevent.spawn_later(0.3, print, "ready", flush=True)
io.run(app, host="127.0.0.1", port=PORT, log_output=False)
