"""test_binaries.py - the programs that users get are hardened: their flags, read back

Looks at PARLEY_RELEASE, else build/release (`make` builds it), and builds nothing itself.
"""
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RELEASE = os.environ.get("PARLEY_RELEASE") or os.path.join(ROOT, "build/release")
COMMON = {"libhiredis", "libev", "libcjson", "libcrypto", "libc"}
PROGRAMS = {  # what each may load
    "parley-auth": COMMON | {"libmicrohttpd"},
    "parley-gateway": COMMON | {"libwebsockets", "liburing"},
    "parley-presence": COMMON | {"libmicrohttpd"},
    "parley": {"libwebsockets", "libev", "libssl", "libcrypto", "libncursesw", "libtinfo", "libc"},
}
# What every file of ours is compiled with; gcc notes it beside the debug information.
FLAGS = ("-O2", "-fPIE", "-fstack-protector-strong", "-fstack-clash-protection",
         "-fcf-protection=full", "-ftrivial-auto-var-init=zero")
# What Redis loads stands anywhere, and is no program; it may be younger than the system it is used on.
MODULE = "parley.so"
MODULE_FLAGS = tuple("-fPIC" if flag == "-fPIE" else flag for flag in FLAGS) + ("-fvisibility=hidden",)
GLIBC_MAX = (2, 34)  # the official image of Redis is of Debian 12 (2.36), Ubuntu 22.04 has 2.35
# Functions without bounds, and those that start other programs: nobody here needs them.
BANNED = set("strcpy strcat sprintf vsprintf gets strtok atoi atol alloca system popen execve execvp "
             "execl execlp mktemp tmpnam tempnam rand srand".split())


def tool(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C")).stdout


def path_of(name):
    path = os.path.join(RELEASE, name)
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{path} is missing: make builds it")
    return path


def each(test):
    """Runs a method once for each program, with its path."""
    def run(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                test(self, path_of(name))
    run.__name__ = test.__name__
    return run


def segments(path):
    """{type: [flags]}; flags like "RW" or "R E"."""
    found = {}
    for line in tool("readelf", "-Wl", path).splitlines():
        row = re.match(r"\s+([A-Z_]+)\s+0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([RWE ]{3}) ", line)
        if row:
            found.setdefault(row.group(1), []).append(row.group(2).strip())
    return found


def dynamic(path):
    """[(tag, value)]"""
    return re.findall(r"^ 0x\S+ \((\w+)\)\s+(.*)$", tool("readelf", "-Wd", path), re.M)


def imports(path):
    return set(re.findall(r" UND (\w+)(?:@|$)", tool("readelf", "-W", "--dyn-syms", path), re.M))


def machine(path):
    return re.search(r"Machine:\s+(.*)", tool("readelf", "-Wh", path)).group(1)


class Binaries(unittest.TestCase):
    @each
    def test_position_independent(self, path):
        self.assertRegex(tool("readelf", "-Wh", path), r"Type:\s+DYN ")
        flags = dict(dynamic(path)).get("FLAGS_1", "")
        self.assertIn("PIE", flags.split(), "a program, not a library")

    @each
    def test_full_relro(self, path):
        self.assertEqual(segments(path).get("GNU_RELRO"), ["R"])
        tags = dict(dynamic(path))
        self.assertIn("BIND_NOW", tags.get("FLAGS", ""))
        self.assertIn("NOW", tags.get("FLAGS_1", "").split())
        self.assertNotIn(".got.plt", tool("readelf", "-WS", path), "no table stays writable")

    @each
    def test_nothing_is_writable_and_executable(self, path):
        found = segments(path)
        self.assertEqual(found.get("GNU_STACK"), ["RW"])
        self.assertIn("R E", found["LOAD"])
        for flags in found["LOAD"]:
            self.assertFalse("W" in flags and "E" in flags, flags)
        self.assertNotIn("TEXTREL", [tag for tag, _ in dynamic(path)])

    @each
    def test_loads_what_it_needs_from_where_the_system_keeps_it(self, path):
        tags = dynamic(path)
        needed = {re.search(r"\[(\w+)\.so", value).group(1) for tag, value in tags if tag == "NEEDED"}
        self.assertLessEqual(needed, PROGRAMS[os.path.basename(path)])
        self.assertFalse({"RPATH", "RUNPATH"} & {tag for tag, _ in tags})
        self.assertFalse(os.stat(path).st_mode & 0o6000, "neither setuid nor setgid")

    @each
    def test_stack_protector_and_fortify(self, path):
        names = imports(path)
        self.assertIn("__stack_chk_fail", names)
        self.assertIn("__snprintf_chk", names)
        self.assertFalse(names & BANNED)

    @each
    def test_stack_is_probed_page_by_page(self, path):
        if "X86-64" not in machine(path):
            self.skipTest("what a probe looks like is known for x86-64 alone")
        code = tool("objdump", "-d", "--no-show-raw-insn", path)
        self.assertTrue(re.search(r"\borq\s+\$0x0,\(%rsp\)", code), "no probe in a large frame")

    # The whole program cannot carry the mark (IBT, SHSTK): Debian's own start-up code has none, and
    # the linker keeps it only when every part does.  Ours is ready for a system that has.
    @each
    def test_indirect_jumps_land_where_they_may(self, path):
        if "X86-64" not in machine(path):
            self.skipTest("endbr64 belongs to x86-64")
        code = tool("objdump", "-d", "--no-show-raw-insn", path)
        self.assertTrue(re.search(r"<main>:\n\s+\w+:\s+endbr64", code), "main has no endbr64")
        self.assertGreater(code.count("endbr64"), 20)

    @each
    def test_every_file_of_ours_has_the_flags(self, path):
        producers = re.findall(r"DW_AT_producer\s*:.*?: (GNU .*|.*clang.*)",
                               tool("readelf", "--debug-dump=info", path))
        if not producers:
            self.skipTest("built without debug information, which would tell")
        if not all(p.startswith("GNU ") for p in producers):
            self.skipTest("clang does not note its flags")
        self.assertGreater(len(producers), 15, "one for each file")
        for producer in producers:
            missing = [f for f in FLAGS if f not in producer.split()]
            if "X86-64" not in machine(path):
                missing = [f for f in missing if not f.startswith("-fcf-")]
            self.assertEqual(missing, [], producer)


class Module(unittest.TestCase):
    def test_it_needs_libc_alone_and_an_old_one_will_do(self):
        path = path_of(MODULE)
        needed = [value for tag, value in dynamic(path) if tag in ("NEEDED", "RPATH", "RUNPATH")]
        self.assertRegex(" ".join(needed), r"\A\S+ \S+ \[libc\.so\.6\]\Z")
        versions = re.findall(r"GLIBC_([0-9.]+)", tool("objdump", "-T", path))
        self.assertTrue(versions)
        for version in versions:
            self.assertLessEqual(tuple(int(n) for n in version.split(".")), GLIBC_MAX)
        self.assertFalse(imports(path) & BANNED)

    def test_redis_sees_one_name_of_it(self):
        rows = re.findall(r" (?:GLOBAL|WEAK) +(\w+) +(\S+) (\w+)$", tool("readelf", "-W", "--dyn-syms", path_of(MODULE)), re.M)
        self.assertEqual([row for row in rows if row[1] != "UND"], [("DEFAULT", rows[-1][1], "RedisModule_OnLoad")])

    def test_hardened_as_the_programs(self):
        path = path_of(MODULE)
        found = segments(path)
        self.assertEqual((found.get("GNU_RELRO"), found.get("GNU_STACK")), (["R"], ["RW"]))
        self.assertFalse([flags for flags in found["LOAD"] if "W" in flags and "E" in flags])
        tags = dict(dynamic(path))
        self.assertIn("NOW", tags.get("FLAGS_1", "").split())
        self.assertNotIn("TEXTREL", tags)

    def test_every_file_of_ours_has_the_flags(self):
        path = path_of(MODULE)
        producers = re.findall(r"DW_AT_producer\s*:.*?: (GNU .*|.*clang.*)", tool("readelf", "--debug-dump=info", path))
        if not producers or not all(p.startswith("GNU ") for p in producers):
            self.skipTest("built without debug information, or by clang, which does not note its flags")
        for producer in producers:
            missing = [f for f in MODULE_FLAGS if f not in producer.split()]
            if "X86-64" not in machine(path):
                missing = [f for f in missing if not f.startswith("-fcf-")]
            self.assertEqual(missing, [], producer)


if __name__ == "__main__":
    unittest.main()
