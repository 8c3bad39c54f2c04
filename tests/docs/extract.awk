# Takes the marked blocks out of pages, into the folder `out`, and prints a line for each: its kind and its file. A mark is a comment
# on a line of its own, before the block:
#
#     <!-- run: hello.cpp -->         a whole program
#     <!-- dies: overflow.cpp -->     one that ends badly
#     <!-- refused: missing.cpp -->   one that must not compile
#     <!-- part: orders.cpp -->       a piece that others include
#     <!-- prints: hello.txt -->      all that hello.cpp prints
#     <!-- says: missing.txt -->      lines, each of them found in what missing.cpp, or the compiler, prints
#     <!-- begin -->                  the lines that the programs below it in its page begin with, and do not repeat
#
# A page with a `begin` may have no other C++.
FNR == 1 { beginning = ""; begins = 0 }
/^<!-- begin -->$/ { kind = "begin"; file = "the beginning"; begins = 1; next }
/^<!-- (run|dies|refused|part|prints|says): [a-z0-9_]+\.(cpp|hpp|txt) -->$/ {
    kind = substr($2, 1, length($2) - 1)
    name = $3
    file = out "/" name
    next
}
/^```[a-z]*$/ && !inside && file != "" {
    inside = 1
    if (kind == "begin") next
    printf "" > file
    if (begins && (kind == "run" || kind == "dies" || kind == "refused")) printf "%s#line 1 \"%s\"\n", beginning, name > file
    next
}
/^```/ && inside {
    inside = 0
    if (kind != "begin") {
        close(file)
        print kind, name
    }
    file = ""
    next
}
/^```cpp$/ && !inside && begins {
    print FILENAME ":" FNR ": this block has no mark" > "/dev/stderr"
    exit 1
}
inside && kind == "begin" { beginning = beginning $0 "\n"; next }
inside { print > file }
