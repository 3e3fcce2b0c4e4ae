"""all_tokens.py - a million tokens: all different, no bit of the 256 is anything but a fair coin

The unit test of tokens does it, with 100,000 of them, in every run; here it gets the larger number.
Six standard deviations of a million coins are 0.3 %.
"""
import os
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BIN = os.environ.get("PARLEY_BIN") or os.path.join(ROOT, "build/asan")
COUNT = 1_000_000


class Tokens(unittest.TestCase):
    def test_a_million(self):
        env = dict(os.environ, TOKENS=str(COUNT), CMOCKA_MESSAGE_OUTPUT="TAP")
        done = subprocess.run([os.path.join(BIN, "tests/unit/shared/test_token")], env=env,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for name in ("tokens_are_all_different", "bits_have_no_bias"):
            self.assertRegex(done.stdout, rf"(?m)^ok \d+ - {name}")


if __name__ == "__main__":
    unittest.main()
