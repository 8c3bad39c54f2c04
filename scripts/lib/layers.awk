# awk -f layers.awk cmake/layers.txt <file>...: prints every include that the layers do not allow.

function words(text, into,    n, list, i) {
    n = split(text, list, /[ \t]+/)
    for (i = 1; i <= n; i++) if (list[i] != "") into[list[i]] = 1
}

# Fills sees[module, other] for all that a module is built on.
function close_over(module, below,    list, name) {
    words(links[below], list)
    for (name in list) if (!((module, name) in sees)) { sees[module, name] = 1; close_over(module, name) }
}

function allowed(path, text,    list, prefix) {
    words(text, list)
    for (prefix in list) if (index(path, prefix) == 1) return 1
    return 0
}

function complain(what) { printf "%s:%d: %s\n", FILENAME, FNR, what }

FILENAME == ARGV[1] {
    if ($0 !~ /^[a-z]/) next
    split($0, column, "|")
    gsub(/[ \t]/, "", column[1])
    module = column[1]
    modules[module] = 1
    links[module] = column[2]
    in_sources[module] = column[4] " " column[5]
    in_headers[module] = column[5]
    next
}

FNR == 1 {
    if (!closed++) for (module in modules) close_over(module, module)

    # Whose file is this? include/effects/<module>/…, include/effects/<module>.hpp, src/<module>/…; the rest is core's.
    public = FILENAME ~ /^include\//
    path = FILENAME
    sub(/^(include\/effects|src)\//, "", path)
    mine = path
    sub(/[\/.].*$/, "", mine)
    if (!(mine in modules)) mine = public ? "core" : ""
    if (mine == "") complain("no module of cmake/layers.txt owns this file")
}

mine != "" && /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    target = $0
    sub(/^[^<"]*[<"]/, "", target)
    sub(/[>"].*$/, "", target)

    if (target ~ /^effects\//) {
        other = target
        sub(/^effects\//, "", other)
        sub(/[\/.].*$/, "", other)
        if (!(other in modules)) other = "core"
        if (other != mine && !((mine, other) in sees)) complain(mine " must not see " other ": " target)
    } else if ($0 ~ /include[ \t]*"/) {
        if (public) complain("a public header includes with <effects/…>, not with quotes: " target)
        else if (target ~ /\//) complain("a source includes private headers of its own folder only: " target)
    } else if (target ~ /^(boost|openssl|nlohmann|catch2|benchmark|rapidcheck|valgrind|sanitizer)\// ||
               target ~ /^(rapidcheck|zlib|zconf|sqlite3|sqlite3ext|libpq-fe|postgres_ext)\.h/ || target ~ /^(libpq|postgresql)\//) {
        if (!allowed(target, public ? in_headers[mine] : in_sources[mine]))
            complain((public ? "public headers of " : "sources of ") mine " must not include " target)
    } else if (target ~ /\.hpp$/) {
        complain("a source includes private headers of its own folder, with quotes: " target)
    }
}
