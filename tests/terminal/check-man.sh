#!/bin/sh
# check-man.sh - the manual page of the terminal client has no fault that man sees, and names each
# option, command and exit status that the program has
set -eu
cd "$(dirname "$0")/../.."
page=client/terminal/parley.1
fail=0
complain() {
    echo "$page: $*" >&2
    fail=1
}

faults=$(LC_ALL=C.UTF-8 MANWIDTH=100 man --warnings -l "$page" 2>&1 >/dev/null)
[ -z "$faults" ] || complain "$faults"
text=$(LC_ALL=C.UTF-8 MANWIDTH=100 man -l "$page" | sed 's/.\x08//g')
for word in $(grep -oE '"(/[a-z]+|//TEXT|--[a-z]+)' client/terminal/command.c client/terminal/options.c | sed 's/.*"//' | sort -u); do
    echo "$text" | grep -qF -e "$word" || complain "says nothing of $word"
done
for status in $(sed -n 's/^ *EXIT_[A-Z_]* = \([0-9]\),*$/\1/p' client/terminal/words.h); do
    echo "$text" | sed '1,/^EXIT STATUS/d' | grep -q "^ *$status  " || complain "says nothing of status $status"
done
exit $fail
