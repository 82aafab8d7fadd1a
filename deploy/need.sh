#!/bin/sh
# need.sh CHECK PACKAGE...: do nothing when the shell command CHECK succeeds; else install the Debian packages (as root),
# or say which command does it.
check=$1
shift
sh -c "$check" >/dev/null 2>&1 && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $*"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    case " $* " in *" postgresql "*)
        # Its package starts a server of its own unless told not to; the tests start theirs.
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
        ;;
    esac
    if { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1 && sh -c "$check" >/dev/null 2>&1; then
        rm -f "$log"
        exit 0
    fi
    cat "$log" >&2
fi
echo "Missing on this computer. Install it with:  sudo apt-get install $*   (or the same of your system)" >&2
exit 1
