# What the CMakeLists.txt of the folders say: effects_module, effects_test, effects_example, effects_benchmark,
# effects_compile_fail, effects_must_compile.

# effects_module(<name> SOURCES a.cpp... [PUBLIC target...] [PRIVATE target...])
#
# The static library effects_<name>, alias effects::<name>, built from src/<name>, with the headers of
# include/effects/<name>. It may link what layers.txt says and no other module.
function(effects_module name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
        message(FATAL_ERROR "effects_module(${name} …) wants SOURCES, PUBLIC, PRIVATE; got: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    effects_with_links(allowed ${EFFECTS_LINKS_${name}})
    set(links_PUBLIC)
    set(links_PRIVATE)
    foreach(kind IN ITEMS PUBLIC PRIVATE)
        foreach(link IN LISTS arg_${kind})
            if(link MATCHES "^effects::(.+)$")
                if(NOT CMAKE_MATCH_1 IN_LIST allowed)
                    message(FATAL_ERROR "effects::${name} must not link ${link}: cmake/layers.txt lets it link: ${allowed}")
                endif()
            endif()
            list(APPEND links_${kind} ${link})
        endforeach()
    endforeach()

    add_library(effects_${name} STATIC ${arg_SOURCES})
    add_library(effects::${name} ALIAS effects_${name})
    target_compile_features(effects_${name} PUBLIC cxx_std_20)
    # What a diagnosis calls our own sources: a path within the project, not of the machine that built it.
    # The second is for a ccache that is told to make paths relative.
    file(RELATIVE_PATH up "${effects_BINARY_DIR}" "${effects_SOURCE_DIR}")
    target_compile_options(effects_${name} PRIVATE "-fmacro-prefix-map=${effects_SOURCE_DIR}/=" "-fmacro-prefix-map=${up}=")
    target_include_directories(effects_${name} PUBLIC
        "$<BUILD_INTERFACE:${effects_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    target_link_libraries(effects_${name} PUBLIC ${links_PUBLIC} PRIVATE ${links_PRIVATE})
    set_target_properties(effects_${name} PROPERTIES
        EXPORT_NAME ${name} CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
endfunction()

# Sets <out> to those of the given effects:: targets that this build does not have (EFFECTS_MODULES chose others).
function(_effects_missing out)
    set(missing)
    foreach(link IN LISTS ARGN)
        if(link MATCHES "^effects::" AND NOT TARGET ${link})
            list(APPEND missing ${link})
        endif()
    endforeach()
    set(${out} "${missing}" PARENT_SCOPE)
endfunction()

# effects_test(<name> SOURCES a_test.cpp... LINKS effects::<module>... [LABELS label...])
#
# The Catch2 executable <name>, each of its test cases an entry of ctest, named "<name>: <test case>" and labelled with
# the folder of tests/ that it stands in (unit, property, integration, conformance). Left out where a linked module is not built.
# With EFFECTS_TEST_ENTRY=program the one entry "<name>: all its test cases": sanitized programs take long to start and to
# look for leaks at their end, two thousand times over, and what fails is named by Catch2 in the output.
# Sources may include <support/…> of tests/ and the private headers of src/ as <module/file.hpp>.
function(effects_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS;LABELS")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
        message(FATAL_ERROR "effects_test(${name} …) wants SOURCES, LINKS, LABELS; got: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    _effects_missing(missing ${arg_LINKS})
    if(missing)
        message(STATUS "effects: test ${name} left out: no ${missing} in this build")
        return()
    endif()

    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE effects_test_main ${arg_LINKS})
    target_include_directories(${name} PRIVATE "${effects_SOURCE_DIR}/include" "${effects_SOURCE_DIR}/tests" "${effects_SOURCE_DIR}/src")
    set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
    if(EFFECTS_PRECOMPILE_CATCH)
        target_precompile_headers(${name} REUSE_FROM effects_test_main)
    endif()

    file(RELATIVE_PATH where "${effects_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
    string(REGEX REPLACE "^(tests/)?([^/]+).*$" "\\2" folder "${where}")
    list(JOIN arg_LABELS "+" labels)
    set(entry ${EFFECTS_TEST_ENTRY})
    if(name STREQUAL "unit_core" AND CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread")
        set(entry case) # all in one process crash ThreadSanitizer's own runtime (TraceSwitchPart), in no test of theirs
    endif()
    set(cases "${CMAKE_CURRENT_BINARY_DIR}/${name}_cases.cmake")
    add_custom_command(TARGET ${name} POST_BUILD BYPRODUCTS "${cases}" VERBATIM
        COMMAND ${CMAKE_COMMAND} -Dname=${name} "-Dexecutable=$<TARGET_FILE:${name}>" "-Dfile=${cases}"
                "-Ddirectory=${CMAKE_CURRENT_BINARY_DIR}" -Dtimeout=${EFFECTS_TEST_TIMEOUT} -Dentry=${entry} "-Dlabels=${folder}+${labels}"
                -P "${effects_SOURCE_DIR}/cmake/EffectsDiscoverTests.cmake")
    file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/${name}_include.cmake"
"if(EXISTS [==[${cases}]==])\n  include([==[${cases}]==])\nelse()\n  add_test([==[${name}: is not built]==] NOT_BUILT)\nendif()\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}_include.cmake")
endfunction()

# effects_example(<name> [SOURCES a.cpp...] LINKS effects::<module>... [DIES] [EXPECT regex...] [PRINTS file] [SAYS file])
#
# The program examples/<name>, from <name>.cpp unless told otherwise, and a test that runs it: it must end with 0 (not with 0 if it
# DIES), and print what each EXPECT matches (no semicolons), the whole text of PRINTS, each line of SAYS.
function(effects_example name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "DIES" "PRINTS;SAYS" "SOURCES;LINKS;EXPECT")
    if(NOT arg_SOURCES)
        set(arg_SOURCES ${name}.cpp)
    endif()
    _effects_missing(missing ${arg_LINKS})
    if(missing)
        message(STATUS "effects: example ${name} left out: no ${missing} in this build")
        return()
    endif()

    add_executable(example_${name} ${arg_SOURCES})
    target_link_libraries(example_${name} PRIVATE ${arg_LINKS})
    set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name} CXX_EXTENSIONS OFF)
    if((arg_EXPECT OR arg_PRINTS OR arg_SAYS OR arg_DIES) AND EFFECTS_BUILD_TESTS)
        set(exit zero)
        if(arg_DIES)
            set(exit nonzero)
        endif()
        _effects_run_test("example: ${name}" EXIT ${exit} EXPECT ${arg_EXPECT} PRINTS "${arg_PRINTS}" SAYS "${arg_SAYS}"
            COMMAND $<TARGET_FILE:example_${name}>)
    endif()
endfunction()

# effects_benchmark(<group> [SOURCES a.cpp...] LINKS target...)
#
# The Google Benchmark program bench_<group>, from bench_<group>.cpp unless told otherwise.
function(effects_benchmark group)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
    _effects_missing(missing ${arg_LINKS})
    if(missing)
        message(STATUS "effects: benchmark ${group} left out: no ${missing} in this build")
        return()
    endif()
    if(NOT arg_SOURCES)
        set(arg_SOURCES bench_${group}.cpp)
    endif()
    add_executable(bench_${group} ${arg_SOURCES})
    target_link_libraries(bench_${group} PRIVATE ${arg_LINKS} benchmark::benchmark)
    set_target_properties(bench_${group} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# effects_compile_fail(<name> SOURCE f.cpp [FLAGS flag...] [EXPECT regex...] [SAYS file])
#
# A test: f.cpp must not compile, and the compiler's output must match each regex (no semicolons), or have each line of SAYS. Put
# a control beside it: effects_must_compile(<name> SOURCE f.cpp [FLAGS flag...]), the same code done right. Both use this
# build's compiler and the headers of include/, without linking.
function(effects_compile_fail name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE;SAYS" "FLAGS;EXPECT")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCE OR NOT (arg_EXPECT OR arg_SAYS))
        message(FATAL_ERROR "effects_compile_fail(${name} …) wants SOURCE, FLAGS, and EXPECT or SAYS")
    endif()
    _effects_compile_test("compile_fail: ${name}" nonzero)
endfunction()

function(effects_must_compile name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE" "FLAGS")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCE)
        message(FATAL_ERROR "effects_must_compile(${name} …) wants SOURCE, FLAGS")
    endif()
    _effects_compile_test("must_compile: ${name}" zero)
endfunction()

# Of the caller's arg_SOURCE, arg_FLAGS, arg_EXPECT, arg_SAYS.
macro(_effects_compile_test title exit)
    cmake_path(ABSOLUTE_PATH arg_SOURCE)
    _effects_run_test("${title}" EXIT ${exit} EXPECT ${arg_EXPECT} SAYS "${arg_SAYS}" LABELS compile_fail
        COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -Wall -Wextra -fsyntax-only "-I${effects_SOURCE_DIR}/include" ${arg_FLAGS} "${arg_SOURCE}")
endmacro()

# A ctest entry that runs a command and looks at its exit code and its output (ctest by itself can do only one of them).
function(_effects_run_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXIT;PRINTS;SAYS" "EXPECT;COMMAND;LABELS")
    if(NOT arg_LABELS)
        set(arg_LABELS examples)
    endif()
    string(MD5 id "${CMAKE_CURRENT_BINARY_DIR} ${name}")
    set(script "${effects_BINARY_DIR}/run_tests/${id}.cmake")
    set(wanted)
    foreach(regex IN LISTS arg_EXPECT)
        string(APPEND wanted " [==[${regex}]==]")
    endforeach()
    set(command)
    foreach(word IN LISTS arg_COMMAND)
        string(APPEND command " [==[${word}]==]")
    endforeach()
    file(GENERATE OUTPUT "${script}" CONTENT
"set(command${command})\nset(wanted${wanted})\nset(exit ${arg_EXIT})\nset(prints [==[${arg_PRINTS}]==])\nset(says [==[${arg_SAYS}]==])\ninclude([==[${effects_SOURCE_DIR}/cmake/EffectsRunTest.cmake]==])\n")
    add_test(NAME "${name}" COMMAND ${CMAKE_COMMAND} -P "${script}" WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    set_tests_properties("${name}" PROPERTIES TIMEOUT ${EFFECTS_TEST_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()
