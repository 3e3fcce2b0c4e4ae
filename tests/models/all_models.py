"""all_models.py - the Spin models of the rules: each holds, and breaks without each of its conditions

A model is a text with options: 1 is the rule as shared/parley.lua and the relay have it, 0 is
without it.  Budgets (how many faults, messages ...) keep the search exhaustive within seconds; a
search that was cut short is a failure.  By hand, with other budgets:

    cd $(mktemp -d) && spin -DMSGS=3 -a .../epoch.pml && gcc -O1 -DSAFETY -DCOLLAPSE -DNOCLAIM pan.c -o pan && ./pan -m20000 -E
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
# Messages and somebody who returns, MOVES, or stays.
REPLAY = '-DMSGS=2 -DMOVES=0'

# An upgrade in which nothing fails; one that comes to another gateway.
SOUND = '-DENDS=0 -DCUTS=0 -DLATE=0'
CARRIED = '-DCARRIED=1 -DTRIES=1 -DUP=1'

# What must hold: model, budgets.
HOLDS = [
    ('links', '-DNG=1 -DLOGOUTS=0'),
    ('epoch', '-DROLLBACKS=1 -DFLUSHES=0 -DFRESH=0 -DOPENS=1'),
    ('epoch', '-DFRESH=0 -DOPENS=1'),
    ('time', TIME),
    ('time', BACK),
    ('time', BACK + ' -DTMAX=12 -DOUTAGES=1 -DMAXOUT=3 -DTOL=2'),
    ('replay', '-DMSGS=2 -DBREAKS=1'),
    ('replay', '-DMSGS=1 -DFLUSHES=1 -DFRESH=1'),
    ('replay', REPLAY + ' -DFLUSHES=1 -DFRESH=1'),
    ('replay', REPLAY + ' -DROLLBACKS=1'),
    ('replay', REPLAY + ' -DLAPSES=1 -DOTHERS=1'),
    ('replay', REPLAY + ' -DLOSSES=1'),
    ('replay', REPLAY + ' -DBREAKS=1 -DMUCH=1'),
    ('replay', REPLAY + ' -DBREAKS=1 -DDROPS=1'),
    ('replay', REPLAY + ' -DLOSSES=1 -DMUCH=1'),
    ('replay', REPLAY + ' -DLOSSES=1 -DTRIMS=1 -DMUCH=1'),
    ('upgrade', ''),
    ('upgrade', SOUND),
    ('upgrade', CARRIED),
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
    ('the first id of an epoch rises with the ids', 'replay', '-DMSGS=1 -DFLUSHES=1 -DFRESH=1 -DF_FIRST=0'),
    ('an id from before the epoch proves nothing', 'replay', '-DMSGS=2 -DFLUSHES=1 -DF_EPOCH=0'),
    ('what was trimmed is noticed', 'replay', '-DMSGS=2 -DTRIMS=1 -DF_GONE=0'),
    ('each session has a mark of its own', 'replay', '-DMSGS=2 -DLOSSES=1 -DF_MARKS=0'),
    ('what came before a session is no hole, or its clients know of it', 'replay',
     '-DMSGS=2 -DBREAKS=1 -DF_BEFORE=0 -DF_KNOWS=0'),
    ('the first answer says up to where to fetch', 'replay', '-DMSGS=2 -DBREAKS=1 -DF_TARGET=0'),
    ('messages wait while others are fetched', 'replay', '-DMSGS=2 -DBREAKS=1 -DF_WAIT=0'),
    ('a gateway that overslept attaches first', 'replay', REPLAY + ' -DLAPSES=1 -DF_FENCE=0'),
    ('a hole in the group attaches everybody', 'replay', '-DMSGS=3 -DMOVES=0 -DLOSSES=2 -DF_REATTACH=0'),
    ('the nonce tells of the last message', 'replay', REPLAY + ' -DLOSSES=1 -DF_NONCE=0'),
    ('a subscription is proven before the attach', 'replay', REPLAY + ' -DBREAKS=1 -DF_PROVEN=0'),
    ('what is found too late is told', 'replay', REPLAY + ' -DLOSSES=1 -DF_LATE=0'),
    ('what is lost behind its own pages is told', 'replay', REPLAY + ' -DLOSSES=1 -DF_ENDS=0'),
    ('who falls behind is told what is lost before', 'replay', REPLAY + ' -DLOSSES=1 -DTRIMS=1 -DMUCH=1 -DF_LIVED=0'),
    ('nothing live before the backlog is done', 'replay', '-DMSGS=2 -DF_PASS=0'),
    ('... but held while a question is out', 'replay', '-DMSGS=2 -DF_HOLD=0'),
    ('ids rise at a live client', 'replay', '-DMSGS=2 -DF_SEEN=0'),
    ('who waited for the link asks again', 'replay', REPLAY + ' -DBREAKS=1 -DF_STALLED=0'),
    ('a probed client has no GET held', 'upgrade', SOUND + ' -DF_NOOP=0'),
    ('nothing leaves over a WebSocket before the upgrade', 'upgrade', '-DF_QUIET=0'),
    ('what is queued leaves over it afterwards', 'upgrade', '-DF_QUEUE=0'),
    ('a probe that fails is closed alone', 'upgrade', '-DF_ALONE=0'),
    ('the end keeps the probe of whom it was answered', 'upgrade', '-DF_KEEP=0'),
    ('... which takes over and is closed there', 'upgrade', '-DF_CLOSING=0'),
    ('the last words come before the end', 'upgrade', '-DF_LASTWORDS=0'),
    ('a client pauses before it upgrades', 'upgrade', '-DF_PAUSE=0'),
    ('a tunnel closes behind what was sent', 'upgrade', CARRIED + ' -DF_BEHIND=0'),
]


def search(model, options):
    """'holds', 'breaks', or why it is neither."""
    with tempfile.TemporaryDirectory(prefix='parley-model-') as folder:
        def run(*argv):
            return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
        made = run('spin', *options.split(), '-a', os.path.join(HERE, model + '.pml'))
        if made.returncode != 0 or not os.path.exists(os.path.join(folder, 'pan.c')):
            return made.stdout + made.stderr
        built = run('gcc', '-O1', '-w', '-DSAFETY', '-DCOLLAPSE', '-DNOCLAIM', '-DMEMLIM=%d' % MEMORY_MB,
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
