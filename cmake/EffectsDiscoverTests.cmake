# After a Catch2 executable was linked: asks it for its test cases and writes a ctest entry for each, or one for all.
#
# Catch2 2.13's own catch_discover_tests takes a program that crashes here for one without tests, splits names at a
# semicolon, and lets a name that matches nothing pass; this one fails in all three cases.
#
# Wants: executable, name, file, directory, timeout, entry (case or program), labels (with + between them).
execute_process(COMMAND "${executable}" --list-test-names-only WORKING_DIRECTORY "${directory}"
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
# It exits with the number of tests (modulo 256); a crash is a word.
if(NOT result MATCHES "^[0-9]+$" OR output STREQUAL "")
    message(FATAL_ERROR "${name} could not list its test cases (${result}):\n${output}${errors}")
endif()

# Characters that mean something in a CMake list go into hiding.
string(ASCII 1 semicolon)
string(ASCII 2 left)
string(ASCII 3 right)
string(REPLACE ";" "${semicolon}" output "${output}")
string(REPLACE "[" "${left}" output "${output}")
string(REPLACE "]" "${right}" output "${output}")
string(REPLACE "\\" "\\\\" output "${output}") # doubled: a backslash means something to Catch2, too
string(REGEX REPLACE "\n+" ";" lines "${output}")
string(REPLACE "+" ";" labels "${labels}")

set(properties "PROPERTIES WORKING_DIRECTORY [==[${directory}]==] TIMEOUT ${timeout} LABELS [==[${labels}]==]")
if(entry STREQUAL "program")
    file(WRITE "${file}" "add_test([==[${name}: all its test cases]==] [==[${executable}]==])\n"
                         "set_tests_properties([==[${name}: all its test cases]==] ${properties})\n")
    return()
endif()

set(script)
foreach(line IN LISTS lines)
    if(line STREQUAL "")
        continue()
    endif()
    string(REPLACE "\\\\" "\\" title "${line}")
    string(REGEX REPLACE "^\"(#.*)\"$" "\\1" title "${title}") # it quotes a name that begins with #
    string(REPLACE "\\" "\\\\" filter "${title}")
    string(REPLACE "," "\\," filter "${filter}")
    string(REPLACE "\"" "\\\"" filter "${filter}")
    string(REPLACE "${left}" "\\${left}" filter "${filter}")
    string(REPLACE "${right}" "\\${right}" filter "${filter}")
    string(APPEND script
        "add_test([==[${name}: ${title}]==] [==[${executable}]==] [==[${filter}]==] --warn NoTests)\n"
        "set_tests_properties([==[${name}: ${title}]==] ${properties})\n")
endforeach()
string(REPLACE "${semicolon}" ";" script "${script}")
string(REPLACE "${left}" "[" script "${script}")
string(REPLACE "${right}" "]" script "${script}")
file(WRITE "${file}" "${script}")
