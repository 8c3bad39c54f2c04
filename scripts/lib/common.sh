# Sourced by the scripts beside it: where the project is, how to say what goes on, how many jobs to run.
set -euo pipefail

script=$(cd "$(dirname "$0")" && pwd)/${0##*/} # absolute: the next lines go elsewhere
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The comment at the top of a script is its help.
usage() { awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$script"; }

# As many jobs as there are cores, one a GiB of free memory at most (a translation unit of Beast takes about that).
jobs() {
    if [ -n "${EFFECTS_JOBS:-}" ]; then printf '%s\n' "$EFFECTS_JOBS"; return; fi
    awk -v cores="$(nproc)" '/^MemAvailable:/ { gib = int($2 / 1048576) }
                             END { n = gib && gib < cores ? gib : cores; print n < 1 ? 1 : n }' /proc/meminfo
}

# step <title> <command>...: announces, runs, says how long it took; a failure ends the script.
step_times=()
step() {
    local title=$1 before=$SECONDS took result=0
    shift
    printf '\n==> %s\n' "$title"
    set +e
    ( set -e; "$@" )
    result=$?
    set -e
    took=$((SECONDS - before))
    if [ "$result" -ne 0 ]; then
        printf '\n==> FAILED after %d s: %s (%s)\n' "$took" "$title" "$*" >&2
        exit "$result"
    fi
    printf '==> %s: %d s\n' "$title" "$took"
    step_times+=("$(printf '%5d s  %s' "$took" "$title")")
}

# The sanitizers know the address layouts of up to 28 random bits only; newer kernels use more.
without_aslr() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then setarch "$(uname -m)" -R "$@"; else "$@"; fi
}

configure() { cmake --preset "$@" -Wno-dev; }
build() { cmake --build --preset "$1" -j "$(jobs)" "${@:2}"; }
