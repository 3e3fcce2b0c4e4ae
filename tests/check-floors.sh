#!/bin/sh
# check-floors.sh - fails when an include goes up a floor, when a library's header leaks out of its
# adapters, or when shared/ holds a header that fewer than two include
#
# Fuzz targets are tests that stand beside what they test: what they include does not count.
set -eu
cd "$(dirname "$0")/.."
fail=0
complain() {
    printf '%s\nfloor broken: %s\n' "$2" "$1" >&2
    fail=1
}

# floor FOLDER WHAT...   files in FOLDER include only WHAT (folders end in /, else one header)
floor() {
    from=$1
    shift
    [ -d "$from" ] || return 0
    up=$(grep -rnE --include='*.[ch]' --exclude='fuzz_*' '^ *# *include +"' "$from" |
        grep -vE "# *include +\"($(echo "$*" | tr ' ' '|'))" || true)
    [ -z "$up" ] || complain "$from may include only $*" "$up"
}
floor shared               shared/
floor auth-svc             auth-svc/ shared/
floor presence-svc         presence-svc/ shared/
floor gateway-svc/socketio gateway-svc/socketio/ shared/
floor gateway-svc/relay    gateway-svc/relay/ shared/
floor gateway-svc/chat     gateway-svc/chat/ shared/
floor gateway-svc/app      gateway-svc/app/ gateway-svc/chat/ gateway-svc/relay/ \
                           gateway-svc/socketio/sio.h shared/
floor client/terminal      client/terminal/ gateway-svc/socketio/ shared/
floor tests/conformance    gateway-svc/socketio/sio.h shared/ tests/conformance/
floor examples             parley/ # only as others would: <parley/sio.h>

FOLDERS=$(ls -d shared ./*-svc client 2>/dev/null | sed "s,^./,,")
# library HEADER FILES...   only FILES (shell patterns) include HEADER
library() {
    header=$1
    shift
    # shellcheck disable=SC2086
    for file in $(grep -rlE --include='*.[ch]' --exclude='fuzz_*' "^ *# *include +[<\"]$header" $FOLDERS); do
        for pattern; do
            # shellcheck disable=SC2254
            case $file in $pattern) continue 2 ;; esac
        done
        complain "<$header> outside its adapters: $*" "$file"
    done
}
library 'libwebsockets'  '*_lws.[ch]'
library 'liburing'       '*_uring.[ch]'
library 'n*curses'       'client/terminal/*_curses.c'
library 'microhttpd'     '*_mhd.[ch]'
library 'hiredis/'       'shared/redis_*.c'
library 'cjson/'         'shared/json_doc.c'
library 'openssl/'       'shared/token.c' 'client/terminal/net_context_lws.c'
library 'ev\.h'          '*/main.c' '*_ev.[ch]' '*_context_lws.c' 'client/terminal/net_lws.h' 'shared/redis_conn.c' 'shared/redis_sentinel.c' 'shared/http_mhd.c' \
                         'presence-svc/sweep_redis.c' 'gateway-svc/relay/relay_state.h' \
                         'gateway-svc/app/*'

# A header of shared/ that only one service includes belongs to that service.  One that another
# file of shared/ includes is a part of that.
for header in shared/*.h; do
    users=$(grep -rlE "^ *# *include +\"$header\"" --include='*.[ch]' --exclude='fuzz_*' \
        shared *-svc |
        grep -vxF "${header%.h}.c" || true)
    services=$(echo "$users" | sed -n 's#^\([^/]*-svc\)/.*#\1#p' | sort -u)
    case $users in *shared/*) continue ;; esac
    [ "$(echo "$services" | grep -c .)" -ge 2 ] ||
        complain "shared/ is for what two services need" "$header: only ${services:-nobody}"
done
exit $fail
