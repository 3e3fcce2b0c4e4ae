"""all_instructions.py - no message, delivery or connection costs many more instructions than it did

instructions.py says what is counted and how.  tests/run: alone"""
import os
import shutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import instructions  # noqa: E402


class Growth(unittest.TestCase):
    def test_growth_is_noticed(self):
        before = {'a': 1000, 'b': 1000}
        self.assertEqual(instructions.grown({'a': 1050, 'b': 900}, before), [])
        self.assertEqual(instructions.grown({'a': 1051, 'b': 900}, before), ['a: 1051 instructions, 5.1 % more than 1000'])

    def test_every_figure_is_kept(self):
        self.assertEqual(set(instructions.kept()[1]), {
            *(program + kind for program in ('gateway', 'redis') for kind in (' message', ' group', ' connection')),
            'gateway delivery', 'redis message in Lua', 'redis group in Lua'})

    @unittest.skipUnless(shutil.which('valgrind'), 'needs valgrind')
    def test_nothing_has_grown(self):
        where, before = instructions.kept()
        if where != instructions.system():
            self.skipTest('the figures are of another system: ' + where)
        figures = instructions.measure(os.environ['PARLEY_RELEASE'])
        self.assertEqual(set(figures), set(before))
        self.assertEqual(instructions.grown(figures, before), [], 'see "Instructions" in CONTRIBUTING.md')


if __name__ == '__main__':
    unittest.main()
