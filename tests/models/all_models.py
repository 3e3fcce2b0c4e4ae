"""all_models.py - the Spin models of the rules: each holds, and breaks without each of its conditions

A model is a text with options: 1 is the rule as shared/parley.lua and the relay have it, 0 is
without it.  Budgets (how many faults, messages ...) keep the search exhaustive within seconds; a
search that was cut short is a failure.  By hand, with other budgets:

    cd $(mktemp -d) && spin -DMSGS=3 -a .../epoch.pml && gcc -O2 -DSAFETY -DCOLLAPSE -DNOCLAIM pan.c -o pan && ./pan -m20000 -E
"""
import os
import re
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT_S = 240
MEMORY_MB = 3000

# Grace is exact to a second for each outage, TOL, whether an older state comes back or not.
TIME = '-DTMAX=24 -DOUTAGES=1 -DMAXOUT=6 -DDETACHES=1 -DSTEPS=0 -DTOL=2'
BACK = '-DTMAX=18 -DOUTAGES=0 -DDETACHES=2 -DSTEPS=0 -DTOL=0 -DFLUSHES=0 -DROLLBACKS=1'

# What must hold: model, budgets.
HOLDS = [
    ('links', '-DNG=1 -DLOGOUTS=0'),
    ('epoch', '-DROLLBACKS=1 -DFLUSHES=0 -DFRESH=0 -DOPENS=1'),
    ('epoch', '-DFRESH=0 -DOPENS=1'),
    ('time', TIME),
    ('time', BACK),
    ('time', BACK + ' -DTMAX=12 -DOUTAGES=1 -DMAXOUT=3 -DTOL=2'),
]

# What must not, because a condition is taken out: it, model, budgets.
BREAKS = [
    ('one counter for the numbers of links', 'links', '-DNG=1 -DF_ONECOUNTER=0'),
    ('a lapsed gateway comes back with a new number', 'links', '-DNG=1 -DF_NEWLINK=0'),
    ('a detach names its session', 'links', '-DNG=1 -DF_DSESS=0'),
    ('a kick closes sockets whose attach is not answered', 'links', '-DNG=1 -DF_KICKPEND=0'),
    ('messages are early only when the data was kept', 'epoch', '-DF_KEPT=0'),
    ('... and every gateway is back', 'epoch', '-DROLLBACKS=1 -DFLUSHES=0 -DF_HERE=0'),
    ('... in the epoch that it attached its sessions in', 'epoch', '-DROLLBACKS=2 -DFLUSHES=0 -DF_CALLERS=0'),
    ('... and then nobody is said not to exist', 'epoch', '-DROLLBACKS=1 -DFLUSHES=0 -DF_NOBODY=0'),
    ('ended sessions are remembered', 'epoch', '-DF_TOMB=0'),
    ('the later login wins', 'epoch', '-DF_LATER=0'),
    ('nobody is expired while it settles', 'epoch', '-DF_NOEXP=0'),
    ('names of epochs are never used again', 'epoch', '-DF_RANDEP=0'),
    ('a new epoch gives whoever is in grace a whole one', 'time', BACK + ' -DF_FULLGRACE=0'),
    ('... and its opening takes every gap for an outage', 'time', BACK + ' -DF_OPENGAP=0'),
    ('every call notes the time', 'time', TIME + ' -DFLUSHES=0 -DDETACHES=2 -DF_NOTEALL=0'),
]


def search(model, options):
    """'holds', 'breaks', or why it is neither."""
    with tempfile.TemporaryDirectory(prefix='parley-model-') as folder:
        def run(*argv):
            return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
        made = run('spin', *options.split(), '-a', os.path.join(HERE, model + '.pml'))
        if made.returncode != 0 or not os.path.exists(os.path.join(folder, 'pan.c')):
            return made.stdout + made.stderr
        built = run('gcc', '-O2', '-w', '-DSAFETY', '-DCOLLAPSE', '-DNOCLAIM', '-DMEMLIM=%d' % MEMORY_MB,
                    '-o', 'pan', 'pan.c')
        if built.returncode != 0:
            return built.stderr
        said = run('./pan', '-m20000', '-E').stdout
    errors = re.search(r'errors: (\d+)', said)
    if errors and errors.group(1) == '1' and 'assertion violated' in said:
        return 'breaks'
    whole = 'Search not completed' not in said and 'max search depth too small' not in said
    return 'holds' if errors and errors.group(1) == '0' and whole else said


class Models(unittest.TestCase):
    maxDiff = None


def add(name, model, options, wanted):
    def test(self):
        self.assertEqual(search(model, options), wanted, model + ' ' + options)
    setattr(Models, 'test_' + re.sub(r'\W+', '_', name), test)


for _model, _options in HOLDS:
    add('%s holds %s' % (_model, _options), _model, _options, 'holds')
for _i, (_rule, _model, _options) in enumerate(BREAKS):
    add('%s breaks without %02d %s' % (_model, _i, _rule), _model, _options, 'breaks')

if __name__ == '__main__':
    unittest.main()
