# Takes the marked code blocks out of a page. `<!-- run: hello.cpp -->` before a block names the file that it is a whole of;
# `<!-- part: orders.cpp -->` one that a source in this folder includes. Into the folder `out`.
/^<!-- (run|part): [a-z0-9_]+\.cpp -->$/ { file = out "/" $3; next }
/^```cpp$/ && file != "" { inside = 1; printf "" > file; next }
/^```$/ && inside { inside = 0; close(file); print file; file = ""; next }
inside { print > file }
