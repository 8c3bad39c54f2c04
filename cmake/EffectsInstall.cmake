# Install rules: for each module its library, its headers, its targets file and its pkg-config file, so that a part can
# be installed and asked for alone.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/effects")
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
list(JOIN EFFECTS_ALL_MODULES "|" any_module)

# core's headers are all that no other module has claimed.
if("core" IN_LIST modules)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/effects" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
            FILES_MATCHING PATTERN "*.hpp" REGEX "/include/effects/(${any_module})(\\.hpp)?$" EXCLUDE)
    install(FILES "${PROJECT_SOURCE_DIR}/share/gdb/effects.py" DESTINATION "${CMAKE_INSTALL_DATADIR}/effects/gdb")
endif()

# What a pkg-config file says of each package; Boost has none of its own, and ours are static libraries, so that
# whoever links them links these too.
set(pc_requires_OpenSSL openssl)
set(pc_requires_ZLIB zlib)
set(pc_requires_SQLite3 sqlite3)
set(pc_requires_nlohmann_json nlohmann_json)
set(pc_libs_Boost:context -lboost_context)
set(pc_libs_Boost:url -lboost_url)
set(pc_libs_Threads -pthread)

# The way from a .pc file back to the prefix: an installed tree may be moved.
string(REGEX REPLACE "[^/]+" ".." pc_prefix "${pc_dir}")

foreach(module IN LISTS modules)
    if(NOT module STREQUAL "core")
        install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/effects/${module}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/effects"
                FILES_MATCHING PATTERN "*.hpp")
        install(FILES "${PROJECT_SOURCE_DIR}/include/effects/${module}.hpp" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/effects"
                OPTIONAL)
    endif()
    install(TARGETS effects_${module} EXPORT effects_${module} ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    install(EXPORT effects_${module} NAMESPACE effects:: DESTINATION "${package_dir}" FILE effects-${module}.cmake)

    set(pc_name "effects-${module}")
    set(pc_requires)
    set(pc_libs "-L\${libdir} -leffects_${module}")
    foreach(link IN LISTS EFFECTS_LINKS_${module})
        list(APPEND pc_requires effects-${link})
    endforeach()
    foreach(need IN LISTS EFFECTS_NEEDS_${module})
        if(DEFINED pc_requires_${need})
            list(APPEND pc_requires ${pc_requires_${need}})
        endif()
        if(DEFINED pc_libs_${need})
            string(APPEND pc_libs " ${pc_libs_${need}}")
        endif()
    endforeach()
    list(JOIN pc_requires ", " pc_requires)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/effects.pc.in" "${PROJECT_BINARY_DIR}/pkgconfig/effects-${module}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/pkgconfig/effects-${module}.pc" DESTINATION "${pc_dir}")
endforeach()

set(pc_name effects)
set(pc_libs)
list(TRANSFORM modules PREPEND effects- OUTPUT_VARIABLE pc_requires)
list(JOIN pc_requires ", " pc_requires)
configure_file("${PROJECT_SOURCE_DIR}/cmake/effects.pc.in" "${PROJECT_BINARY_DIR}/pkgconfig/effects.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/pkgconfig/effects.pc" DESTINATION "${pc_dir}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/effectsConfig.cmake.in" "${PROJECT_BINARY_DIR}/effectsConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/effectsConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/effectsConfig.cmake" "${PROJECT_BINARY_DIR}/effectsConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/EffectsLayers.cmake" "${PROJECT_SOURCE_DIR}/cmake/layers.txt"
        DESTINATION "${package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
