# SPDX-License-Identifier: BSL-1.0
# effects_property_test(NAME PROGRAMS variable n SOURCES … LINKS …): a test of RapidCheck's, which runs so many random programs, all its
# cases together. Its sources see the number as the macro that `variable` is without EFFECTS_.
find_package(rapidcheck CONFIG QUIET)

function(effects_property_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PROGRAMS;SOURCES;LINKS")
    if(NOT rapidcheck_FOUND)
        message(STATUS "effects: test ${name} left out: no RapidCheck (librapidcheck-dev)")
        return()
    endif()
    list(GET arg_PROGRAMS 0 variable)
    list(GET arg_PROGRAMS 1 programs)
    set(${variable} ${programs} CACHE STRING "Random programs that ${name} runs, all its cases together")
    effects_test(${name} SOURCES ${arg_SOURCES} LINKS ${arg_LINKS} rapidcheck)
    if(TARGET ${name})
        string(REPLACE "EFFECTS_" "" macro ${variable})
        target_compile_definitions(${name} PRIVATE ${macro}=${${variable}})
        # What they run is worth it; the precompiled header was compiled without.
        target_compile_options(${name} PRIVATE $<$<CONFIG:Debug>:-O1>)
        set_target_properties(${name} PROPERTIES DISABLE_PRECOMPILE_HEADERS ON)
    endif()
endfunction()
