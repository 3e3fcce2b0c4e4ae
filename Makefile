# make               the programs, in build/release/
# make run           everything on this machine: http://localhost:5000 (Ctrl-C ends it)
#                    (deploy/run --help lists its settings: REDIS_MODULE=0, GATEWAYS=3, ...)
# make test          what a change needs: builds with sanitizers, unit and end-to-end tests
# make test-all      and the long ones
# make test-compose  the whole in containers: builds the images, starts them, uses them, breaks them
# make faults        every fault, with real clients and a judge: writes tests/faults/RESULTS.md (hours;
#                    F="--no-large --repeat 1 29": tests/faults/run.mjs says what else)
# make bench         Parley and others under load, in turn: writes tests/bench/RESULTS.md (40 minutes;
#                    B="--rounds 1 direct": tests/bench/run.mjs says what else)
# make unit          unit tests alone under ASan + UBSan (T=tsan: ThreadSanitizer)
# make fuzz          the fuzz targets, in build/fuzz/ (clang)
# make fuzz-long     gives each of them new inputs for 10 minutes (T=60: one minute)
# make fuzz-keep     chooses what is kept in tests/corpus/ of what they found
# make instructions  counts what a message, a delivery and a connection cost, and keeps the figures
# make soak          a million seeds of the simulator (SEEDS= how many)
# make lint          banned functions, format, clang-tidy, cppcheck, floors
# make cover         which lines of ours the tests reach
# make examples      a server on the Socket.IO library alone: build/release/examples/echo
# make client        the terminal client alone: build/release/parley
# make install       PREFIX=/usr/local DESTDIR=
# make install-lib   the Socket.IO library for C programs alone: archive, header, example
# make deb           Debian packages with systemd units, in build/deb/
# make clean         removes build/
# make help          this list
#
# CC=clang works too; CI=1 makes warnings errors; O= is the folder of the results.
MODE ?= release
T    ?= asan
O    ?= build/$(MODE)
JOBS ?= $(shell nproc)

CFLAGS ?= -g
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wundef -Wvla \
        -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wcast-qual -Wpointer-arith
ifdef CI
WARN += -Werror
endif
HARDEN := -fstack-protector-strong -fstack-clash-protection
ifeq ($(MODE),release) # where they are known: the one on x86, the other not in clang before 16
HARDEN += $(foreach flag,-fcf-protection=full -ftrivial-auto-var-init=zero,\
            $(shell $(CC) -Werror $(flag) -fsyntax-only -x c /dev/null 2>/dev/null && echo $(flag)))
endif
FLAGS_release := -O2 -D_FORTIFY_SOURCE=3 -fPIE $(HARDEN)
FLAGS_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -fsanitize=thread -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_cover   := -O0 --coverage
FLAGS_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK_release  := -pie -Wl,-z,relro,-z,now,-z,noexecstack
LINK_cover    := --coverage
LINK_fuzz     := -fsanitize=fuzzer,address,undefined
STD  := -std=c11 -D_DEFAULT_SOURCE -I.

objs   = $(patsubst %.c,$O/%.o,$(shell find $(1) -name '*.c' ! -name main.c ! -name 'fuzz_*' 2>/dev/null))
bins   = $(patsubst %.c,$O/%,$(shell find $(1) -name '$(2)_*.c' 2>/dev/null))
SERVICES := $O/parley-auth $O/parley-gateway $O/parley-presence
CLIENT   := $O/parley
MODULE   := $O/parley.so
PROGS    := $(SERVICES) $(CLIENT) $O/parley-conformance
TESTS    := $(call bins,tests/unit,test)
SIM      := $O/tests/sim/sim
CLOCK    := $O/tests/redis/set_clock.so
BENCH    := $O/tests/bench/load/load $O/tests/bench/peers/epoll
FUZZERS  := $(call bins,shared *-svc client,fuzz)

# (Redis has no sanitizer, so it cannot load what has one.)
LOADED := $(if $(filter release,$(MODE)),$(MODULE))
all: $(PROGS) $(LOADED)

# One archive per folder that stands on its own, so that a test or a program can only link what its
# floor may use.  tests/support.a stands in for parts of shared/, so it goes first.
SHARED   := $O/shared.a
SOCKETIO := $O/socketio.a
SUPPORT  := $O/tests/support.a
$(SHARED):         $(filter-out $O/shared/parley_module/%,$(call objs,shared))
$(SOCKETIO):       $(call objs,gateway-svc/socketio)
$O/gateway-svc.a:  $(call objs,gateway-svc/relay gateway-svc/chat gateway-svc/app)
$O/auth-svc.a:     $(call objs,auth-svc)
$O/presence-svc.a: $(call objs,presence-svc)
$O/terminal.a:     $(call objs,client/terminal)
$(SUPPORT):        $(call objs,tests/support)
$O/bench.a:        $(call objs,tests/bench/load)

$O/parley-auth:        $O/auth-svc/main.o $O/auth-svc.a $(SHARED)
$O/parley-gateway:     $O/gateway-svc/main.o $O/gateway-svc.a $(SOCKETIO) $(SHARED)
$O/parley-presence:    $O/presence-svc/main.o $O/presence-svc.a $(SHARED)
$(CLIENT):             $O/client/terminal/main.o $O/terminal.a $(SOCKETIO) $(SHARED)
$O/parley-conformance: $O/tests/conformance/main.o $O/tests/conformance/extras.o $(SOCKETIO) $(SHARED)
$(filter $O/tests/unit/shared/%,$(TESTS)):       %: %.o $(SHARED)
$(filter $O/tests/unit/socketio/%,$(TESTS)):     %: %.o $(SOCKETIO) $(SHARED)
$(filter $O/tests/unit/gateway-svc/%,$(TESTS)):  %: %.o $(SUPPORT) $O/gateway-svc.a $(SOCKETIO) $(SHARED)
$(filter $O/tests/unit/auth-svc/%,$(TESTS)):     %: %.o $O/auth-svc.a $(SHARED)
$(filter $O/tests/unit/presence-svc/%,$(TESTS)): %: %.o $O/presence-svc.a $(SHARED)
$(filter $O/tests/unit/client/%,$(TESTS)):       %: %.o $O/terminal.a $(SOCKETIO) $(SHARED)
$(filter $O/tests/unit/bench/%,$(TESTS)):        %: %.o $O/bench.a $(SHARED)

# The simulator stands in for what is between the programs, so its objects go first.
$(SIM): $(call objs,tests/sim) $O/tests/support/reply.o $O/gateway-svc.a $O/presence-svc.a $(SHARED)
$(SIM): LDLIBS += -llua5.1 -lm

# What Redis may load: code that can stand anywhere, and all of whose names but one stay inside.
MODULE_C := $(shell find shared/parley_module -name '*.c') shared/buf.c shared/decimal.c shared/slice.c
MODULE_O := $(MODULE_C:%.c=$O/module/%.o)
$(MODULE_O): $O/module/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(filter-out -fPIE,$(FLAGS_$(MODE))) -fPIC -fvisibility=hidden $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(MODULE): $(MODULE_O)
	$(CC) -shared $(FLAGS_$(MODE)) -Wl,-z,defs,-z,relro,-z,now,-z,noexecstack $(LDFLAGS) -o $@ $^

# What a test preloads into a real Redis.
$(CLOCK): $O/%.so: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(FLAGS_$(MODE)) -fPIC -shared $(CFLAGS) -o $@ $<

# What `make bench` loads servers with, and the barest of these.
$O/tests/bench/load/load:   $O/tests/bench/load/main.o $O/bench.a $(SHARED)
$O/tests/bench/peers/epoll: $O/tests/bench/peers/epoll.o $(SHARED)
$(BENCH): LDLIBS :=

# A fuzz target may use what the unit tests of its folder use.
$(filter $O/shared/%,$(FUZZERS)):               %: %.o $(SHARED)
$(filter $O/auth-svc/%,$(FUZZERS)):             %: %.o $O/auth-svc.a $(SHARED)
$(filter $O/gateway-svc/socketio/%,$(FUZZERS)): %: %.o $(SOCKETIO) $(SHARED)
$(filter $O/gateway-svc/relay/% $O/gateway-svc/chat/% $O/gateway-svc/app/%,$(FUZZERS)): \
    %: %.o $(SUPPORT) $O/gateway-svc.a $(SOCKETIO) $(SHARED)
$(filter $O/client/%,$(FUZZERS)):               %: %.o $O/terminal.a $(SOCKETIO) $(SHARED)

LDLIBS := -lhiredis -lev -lcjson -lcrypto -pthread
$O/parley-auth $O/parley-presence: LDLIBS += -lmicrohttpd
$O/parley-gateway $O/parley-conformance: LDLIBS += -lwebsockets -luring
$(CLIENT): LDLIBS := -lwebsockets -lev -lssl -lcrypto -lncursesw -ltinfo
$(TESTS) $(FUZZERS): LDLIBS += -lcmocka -lmicrohttpd -lwebsockets -luring

$(PROGS) $(TESTS) $(SIM) $(BENCH) $(FUZZERS):
	$(CC) $(FLAGS_$(MODE)) $(LINK_$(MODE)) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$O/%.a:
	rm -f $@ && $(AR) rcs $@ $^

# The Socket.IO server as a library: one object, in which only what its header declares can be seen
# from outside, so that no name in it meets one of yours; and that header as one file.
SIOLIB      := $O/libparley-sio.a
SIO_H       := $O/include/parley/sio.h
SIO_SHARED  := buf clock decimal forwarded json json_value listener log origin slice token utf8
SIO_LIBS    := -lwebsockets -luring -lev -lcrypto
EXAMPLES    := $O/examples/echo
LD ?= ld
OBJCOPY ?= objcopy
$(SIO_H): gateway-svc/socketio/sio.h shared/slice.h
	@mkdir -p $(@D)
	sed -e '/^#include "shared\/slice.h"$$/{r shared/slice.h' -e 'd;}' $< >$@
$O/sio.o: $(call objs,gateway-svc/socketio) $(SIO_SHARED:%=$O/shared/%.o) $(SIO_H)
	$(CC) -nostdlib -r -o $@.all $(filter %.o,$^)
	sed '/^ *\/\?\*/d' $(SIO_H) | grep -oE '\b(sio|slice)_[a-z0-9_]+\(' | tr -d '(' | sort -u >$@.names
	$(OBJCOPY) --keep-global-symbols=$@.names $@.all $@
	@rm -f $@.all $@.names
$(SIOLIB): $O/sio.o
$O/examples/%: examples/%.c $(SIO_H) $(SIOLIB)
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARN) $(FLAGS_$(MODE)) $(CFLAGS) -I$O/include $(LINK_$(MODE)) $(LDFLAGS) -o $@ $< $(SIOLIB) $(SIO_LIBS)
examples: $(EXAMPLES)
# They hold them as they are.
$O/gateway-svc/app/client_files.o: $(wildcard client/web/socket.io/*.js)
$O/gateway-svc/app/web_page.o: $(shell find client/web -type f ! -path '*/socket.io/*')
$O/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(FLAGS_$(MODE)) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
# The Redis Functions library is built into the programs.
$O/shared/functions.o: shared/parley.lua

SUB := $(MAKE) --no-print-directory -s -j$(JOBS)
NPM := tests/node_modules/.package-lock.json
BENCH_NPM := tests/bench/node_modules/.package-lock.json

run:
	@deploy/packages build run
	@$(SUB) services
	@exec deploy/run --with-parent --bin $O
services: $(SERVICES) $(LOADED)
client: $(CLIENT)
simulator: $(SIM) $(CLOCK)
bench-programs: $(BENCH) $O/parley-conformance
library: $(SIOLIB) $(SIO_H)

test test-all:
	@deploy/packages build run test $(if $(filter %-all,$@),lint)
	@$(SUB) beside
	@$(SUB) MODE=$T run-$@
# What tests look at beside the programs under test: those that users get, and the fuzz targets
# where clang can build them (tests/run says so where it can't).
beside:
	@$(SUB) MODE=release O=build/release services client library simulator
	@! $(CAN_FUZZ) || $(SUB) MODE=fuzz CC=clang O=build/fuzz fuzzers
CAN_FUZZ := printf 'int LLVMFuzzerTestOneInput(void){return 0;}' | \
            clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null
run-test run-test-all: $(PROGS) $(TESTS) $(BENCH) $(NPM)
	@exec tests/run --bin $O $(if $(filter %-all,$@),--all)
faults:
	@deploy/packages build run test faults
	@$(SUB) beside
	@$(SUB) MODE=$T run-faults
run-faults: $(PROGS) $(NPM)
	@PARLEY_BIN=$O PARLEY_RELEASE=build/release exec nice node tests/faults/run.mjs $F
bench:
	@deploy/packages build run test bench
	@$(SUB) MODE=release O=build/release services bench-programs $(NPM) $(BENCH_NPM)
	@PARLEY_BIN=build/release exec node tests/bench/run.mjs $B
unit:
	@$(SUB) MODE=$T run-unit
run-unit: $(TESTS)
	@exec tests/run --bin $O tests/unit

fuzzers: $(FUZZERS)
fuzz:
	@deploy/packages build lint
	@$(SUB) MODE=fuzz CC=clang O=build/fuzz fuzzers
fuzz-long: fuzz
	@exec tests/run --fuzz-s $(if $(filter-out asan tsan,$T),$T,600) -j $(JOBS) tests/corpus
fuzz-keep: fuzz
	@tests/corpus/keep $(patsubst $O/%,build/fuzz/%,$(FUZZERS))
$(NPM) $(BENCH_NPM): %/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund --loglevel=error >&2
	@touch $@

# Seeds that nobody has tried yet, 500 at a time on each processor; stops where one fails.
SEEDS ?= 1000000
soak:
	@deploy/packages build test
	@$(SUB) MODE=release O=build/release simulator
	@first=$$(date +%s)00000000; seq $$first 500 $$((first + $(SEEDS) - 1)) | xargs -P $(JOBS) -I N sh -c \
	    'build/release/tests/sim/sim tests/sim/redis.lua shared/parley.lua N 500 || exit 255'

# Figures for tests/bench/all_instructions.py, which fails when one grows: CONTRIBUTING.md says more.
instructions:
	@deploy/packages build run test
	@$(SUB) MODE=release O=build/release services
	@PARLEY_RELEASE=build/release /usr/bin/python3 tests/bench/instructions.py --write

test-compose:
	@deploy/packages run test
	@$(SUB) $(NPM)
	@exec tests/compose/all

cover:
	@deploy/packages build run test
	@$(SUB) beside
	@$(SUB) MODE=cover run-cover
run-cover: $(PROGS) $(TESTS) $(BENCH) $(NPM)
	@find $O -name '*.gcda' -delete
	@tests/run --bin $O; status=$$?; \
	    gcovr --root . --filter 'shared/' --filter '[a-z]+-svc/' --filter 'client/' $O && exit $$status

C_FILES := $(shell find shared *-svc client examples tests -name node_modules -prune -o -name '*.[ch]' \
             -print 2>/dev/null)
BANNED  := strcpy|strcat|sprintf|strtok|atoi|atol|gets|alloca
TIDY    := $(patsubst %.c,build/lint/%.tidy,$(filter %.c,$(C_FILES)))
lint:
	@deploy/packages build lint
	@$(SUB) -k banned format floors static tidy
banned:
	@! grep -nE '(^|[^A-Za-z0-9_])($(BANNED)) *\(' $(C_FILES)
format:
	@clang-format --dry-run -Werror $(C_FILES)
floors:
	@tests/check-floors.sh
# A test that gets no memory may crash; which functions are too branchy to be searched whole is no news.
static:
	@cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
	    --suppress='nullPointerOutOfMemory:tests/*' --suppress='nullPointerOutOfMemory:*/fuzz_*' \
	    --suppress=normalCheckLevelMaxBranches \
	    $(addprefix --include=,$(wildcard /usr/include/*/sys/queue.h)) -I. $(filter %.c,$(C_FILES))
tidy: $(TIDY)
build/lint/%.tidy: %.c $(filter %.h,$(C_FILES)) .clang-tidy $(SIO_H)
	@mkdir -p $(@D)
	@echo clang-tidy $<
	@clang-tidy --quiet $< -- $(STD) -I$O/include
	@touch $@

PREFIX ?= /usr/local
SHARE  := $(DESTDIR)$(PREFIX)/share
install: $(SERVICES) $(CLIENT) $(MODULE) install-lib
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/parley $(SHARE)/man/man1 $(SHARE)/parley \
	    $(SHARE)/doc/parley
	install $(SERVICES) $(CLIENT) $(DESTDIR)$(PREFIX)/bin
	install $(MODULE) $(DESTDIR)$(PREFIX)/lib/parley
	install -m 644 client/terminal/parley.1 $(SHARE)/man/man1
	install deploy/run $(DESTDIR)$(PREFIX)/bin/parley-run
	install deploy/setup $(SHARE)/parley
	install -m 644 shared/parley.lua deploy/haproxy/haproxy.cfg deploy/redis/redis.conf \
	    deploy/redis/users.acl.in $(SHARE)/parley
	install -m 644 $(wildcard *.md) LICENSE $(SHARE)/doc/parley

install-lib: library
	install -d $(DESTDIR)$(PREFIX)/include/parley $(DESTDIR)$(PREFIX)/lib $(SHARE)/doc/parley-sio
	install -m 644 $(SIO_H) $(DESTDIR)$(PREFIX)/include/parley
	install -m 644 $(SIOLIB) $(DESTDIR)$(PREFIX)/lib
	install -m 644 gateway-svc/socketio/README.md examples/echo.c LICENSE $(SHARE)/doc/parley-sio

deb:
	@deploy/packages build deb
	@deploy/debian/build

clean:
	rm -rf build
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

.SECONDARY:
.PHONY: all run services client simulator soak instructions library examples install-lib test \
        test-all test-compose beside run-test run-test-all faults run-faults bench bench-programs \
        unit run-unit fuzzers fuzz fuzz-long fuzz-keep cover run-cover lint banned format floors \
        static tidy install deb clean help
-include $(shell find $O -name '*.d' 2>/dev/null)
