"""test_run.py - how deploy/run ends: in good order, though a signal may come twice"""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Its end alone, with one program in place of all.
ENDING = """
import importlib.machinery, importlib.util, signal, sys, time
loader = importlib.machinery.SourceFileLoader('run', 'deploy/run')
run = importlib.util.module_from_spec(importlib.util.spec_from_loader('run', loader))
sys.dont_write_bytecode = True
loader.exec_module(run)
signals = run.STOP_SIGNALS | {signal.SIGCHLD}
for s in signals:
    signal.signal(s, lambda *_: None)
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
stack = run.Stack.__new__(run.Stack)
stack.made, stack.socket_dir = [], None
child = run.Child('haproxy', ['sh', '-c', sys.argv[1]], None, sys.argv[2])
stack.children = [child]
child.start()
while child.last_words() != 'runs':
    time.sleep(0.01)
print('stopping', flush=True)
stack.stop()
print(child.how_it_ended(), flush=True)
"""
SLOW = "trap 'sleep 0.5; exit 0' TERM; echo runs; while :; do sleep 0.01; done"
DEAF = "trap '' TERM; echo runs; while :; do sleep 0.01; done"


class Ending(unittest.TestCase):
    def end(self, program, again_s):
        """Signals again after that time; returns what it said, and how long it took."""
        with tempfile.NamedTemporaryFile() as log, subprocess.Popen(
                [sys.executable, '-c', ENDING, program, log.name], cwd=ROOT,
                stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), 'stopping\n')
            start = time.monotonic()
            time.sleep(again_s)
            process.send_signal(signal.SIGTERM)
            said = process.stdout.read()
        self.assertEqual(process.returncode, 0)
        return said, time.monotonic() - start

    def test_the_same_signal_once_more(self):
        said, _ = self.end(SLOW, 0.1)
        self.assertEqual(said, 'ended with exit 0\n')

    def test_a_second_signal(self):
        said, took_s = self.end(DEAF, 1.5)
        self.assertIn('haproxy did not end: killed\n', said)
        self.assertLess(took_s, 4)  # less than it would have had


if __name__ == '__main__':
    unittest.main()
