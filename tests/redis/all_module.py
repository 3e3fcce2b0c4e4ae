"""all_module.py - shared/parley_module does nothing to memory that it must not

Its own tests once more, with a Redis that valgrind watches: every byte that is read or written where
there is none, or that was never set, and whatever was lost in the end."""
import glob
import os
import re
import shutil
import tempfile
import unittest

import test_module


class Memcheck(unittest.TestCase):
    @unittest.skipUnless(shutil.which('valgrind'), 'needs valgrind')
    def test_all_of_test_module(self):
        folder = tempfile.mkdtemp(prefix='parley-memcheck-')
        self.addCleanup(shutil.rmtree, folder)
        test_module.Server.wrapper = ('valgrind', '--leak-check=full', '--show-leak-kinds=definite',
                                      '--errors-for-leak-kinds=definite', '--log-file=%s/%%p' % folder)
        names = ['test_module.' + name for name in ('Same', 'Ordinary', 'PassedOn')]
        result = unittest.TestResult()
        unittest.TestLoader().loadTestsFromNames(names).run(result)
        self.assertGreater(result.testsRun, 60)
        self.assertEqual([trace for _, trace in result.failures + result.errors], [])
        for server in test_module.both_servers().servers:
            server.client.send('SHUTDOWN', 'NOSAVE')
            server.process.wait()
        told = [self.read(path) for path in glob.glob(os.path.join(folder, '*'))]
        self.assertEqual(len(told), 2)
        for text in told:
            self.assertEqual(re.findall(r'ERROR SUMMARY: (\d+)', text), ['0'], text[-8000:])

    def read(self, path):
        with open(path, encoding='utf-8') as file:
            return file.read()
