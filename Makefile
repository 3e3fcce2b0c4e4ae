# make               the programs, in build/release/
# make unit          unit tests under ASan + UBSan (T=tsan: ThreadSanitizer)
# make clean         removes build/
MODE ?= release
T    ?= asan
O    ?= build/$(MODE)

CFLAGS ?= -g
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wundef -Wvla \
        -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wcast-qual -Wpointer-arith
ifdef CI
WARN += -Werror
endif
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
          -ftrivial-auto-var-init=zero
FLAGS_release := -O2 -D_FORTIFY_SOURCE=3 -fPIE $(HARDEN)
FLAGS_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -fsanitize=thread -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_cover   := -O0 --coverage
FLAGS_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK_release  := -pie -Wl,-z,relro,-z,now,-z,noexecstack
LINK_cover    := --coverage
LINK_fuzz     := -fsanitize=fuzzer
STD  := -std=c11 -D_DEFAULT_SOURCE -I.

objs   = $(patsubst %.c,$O/%.o,$(shell find $(1) -name '*.c' ! -name main.c ! -name 'fuzz_*'))
bins   = $(patsubst %.c,$O/%,$(shell find $(1) -name '$(2)_*.c' 2>/dev/null))
PROGS := $O/parley-auth $O/parley-gateway $O/parley-presence $O/parley-conformance
TESTS := $(call bins,tests/unit,test)

all: $(PROGS)

# One archive per folder that stands on its own, so that a test or a program can only link what its
# floor may use.
SHARED   := $O/shared.a
SOCKETIO := $O/socketio.a
$(SHARED):         $(call objs,shared)
$(SOCKETIO):       $(call objs,gateway-svc/socketio)
$O/gateway-svc.a:  $(call objs,gateway-svc/relay gateway-svc/chat gateway-svc/app)
$O/auth-svc.a:     $(call objs,auth-svc)
$O/presence-svc.a: $(call objs,presence-svc)

$O/parley-auth:        $O/auth-svc/main.o $O/auth-svc.a $(SHARED)
$O/parley-gateway:     $O/gateway-svc/main.o $O/gateway-svc.a $(SOCKETIO) $(SHARED)
$O/parley-presence:    $O/presence-svc/main.o $O/presence-svc.a $(SHARED)
$O/parley-conformance: $O/tests/conformance/main.o $(SOCKETIO) $(SHARED)
$(filter $O/tests/unit/shared/%,$(TESTS)):       %: %.o $(SHARED)
$(filter $O/tests/unit/socketio/%,$(TESTS)):     %: %.o $(SOCKETIO) $(SHARED)
$(filter $O/tests/unit/gateway-svc/%,$(TESTS)):  %: %.o $O/gateway-svc.a $(SOCKETIO) $(SHARED)
$(filter $O/tests/unit/auth-svc/%,$(TESTS)):     %: %.o $O/auth-svc.a $(SHARED)
$(filter $O/tests/unit/presence-svc/%,$(TESTS)): %: %.o $O/presence-svc.a $(SHARED)

LDLIBS := -lhiredis -lev -lcjson -lcrypto
$O/parley-auth $O/parley-presence: LDLIBS += -lmicrohttpd
$O/parley-gateway $O/parley-conformance: LDLIBS += -lwebsockets
$(TESTS): LDLIBS += -lcmocka -lmicrohttpd -lwebsockets

$(PROGS) $(TESTS):
	$(CC) $(FLAGS_$(MODE)) $(LINK_$(MODE)) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$O/%.a:
	rm -f $@ && $(AR) rcs $@ $^
$O/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(FLAGS_$(MODE)) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
# The Redis Functions library is built into the programs.
$O/shared/functions.o: shared/parley.lua

unit:
	$(MAKE) MODE=$T run-unit
run-unit: $(TESTS)
	@set -e; for t in $^; do echo "== $$t"; $$t; done
clean:
	rm -rf build

.SECONDARY:
.PHONY: all unit run-unit clean
-include $(shell find build -name '*.d' 2>/dev/null)
