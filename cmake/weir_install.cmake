# Install rules: headers, both kinds of library, the CMake package and the pkg-config files.
#
# One export set for each module, so that a user of weir::buffer never needs libuv to be there.
include(CMakePackageConfigHelpers)
set(WEIR_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/weir)

get_property(modules GLOBAL PROPERTY WEIR_MODULES)
set(WEIR_PACKAGE_MODULES ${modules})

foreach(module IN LISTS modules)
    foreach(variant IN ITEMS static shared)
        if(TARGET weir_${module}_${variant})
            install(TARGETS weir_${module}_${variant} EXPORT weir-${module}-${variant}
                ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
                LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
            install(EXPORT weir-${module}-${variant} NAMESPACE weir:: DESTINATION ${WEIR_CMAKE_DIR})
        endif()
    endforeach()
endforeach()

set(folder "\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(folder ${CMAKE_INSTALL_LIBDIR})
endif()
set(archives "")
foreach(module IN LISTS modules)
    get_target_property(type weir_${module}_static TYPE)
    if(type STREQUAL STATIC_LIBRARY)
        list(APPEND archives "\$ENV{DESTDIR}${folder}/$<TARGET_FILE_NAME:weir_${module}_static>")
    endif()
endforeach()
list(JOIN archives "," archives)
install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" -D NM=${CMAKE_NM} -D OBJCOPY=${CMAKE_OBJCOPY}
    -D \"FILES=${archives}\" -P \"${PROJECT_SOURCE_DIR}/cmake/weir_prefix_hidden.cmake\" COMMAND_ERROR_IS_FATAL ANY)")

foreach(module IN ITEMS core buffer transport codec)
    if(EXISTS ${PROJECT_SOURCE_DIR}/${module}/include)
        install(DIRECTORY ${PROJECT_SOURCE_DIR}/${module}/include/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
            FILES_MATCHING PATTERN "*.h")
    endif()
endforeach()

set(WEIR_HAVE_TESTING OFF)
if(TARGET weir_testing_archive)
    set(WEIR_HAVE_TESTING ON)
    install(TARGETS weir_testing_archive EXPORT weir-testing ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT weir-testing NAMESPACE weir:: DESTINATION ${WEIR_CMAKE_DIR})
    if(EXISTS ${PROJECT_SOURCE_DIR}/test/support/include)
        install(DIRECTORY ${PROJECT_SOURCE_DIR}/test/support/include/weir
            DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
    endif()
endif()

get_property(mode GLOBAL PROPERTY WEIR_JEMALLOC_MODE)
set(WEIR_JEMALLOC_LINKED OFF)
if(mode STREQUAL shared)
    set(WEIR_JEMALLOC_LINKED ON)
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weir-config.cmake.in
    ${PROJECT_BINARY_DIR}/weir-config.cmake INSTALL_DESTINATION ${WEIR_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weir-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/weir-config.cmake ${PROJECT_BINARY_DIR}/weir-config-version.cmake
    ${PROJECT_SOURCE_DIR}/cmake/FindLibUV.cmake ${PROJECT_SOURCE_DIR}/cmake/FindJemalloc.cmake
    ${PROJECT_SOURCE_DIR}/cmake/FindCriterion.cmake
    DESTINATION ${WEIR_CMAKE_DIR})

# pkg-config. Libraries outside weir are private: only `pkg-config --static` names them.
set(WEIR_JEMALLOC_PC "")
if(mode STREQUAL private)
    set(WEIR_JEMALLOC_PC "-lm -ldl")
elseif(mode STREQUAL shared)
    set(WEIR_JEMALLOC_PC "-ljemalloc")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(WEIR_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
    set(WEIR_PC_LIBDIR ${CMAKE_INSTALL_LIBDIR})
else()
    # Found from where the file lies, so the prefix can be chosen at install time and moved later.
    file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" up "${up}")
    set(WEIR_PC_PREFIX "\${pcfiledir}/${up}")
    set(WEIR_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(WEIR_PC_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
else()
    set(WEIR_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()

# The libraries of weir-codec: dependants before what they depend on, as a static link reads them.
get_property(codecs GLOBAL PROPERTY WEIR_CODECS)
list(REVERSE codecs)
set(WEIR_CODEC_PC "")
foreach(codec IN LISTS codecs)
    string(REPLACE _ - codec ${codec})
    string(APPEND WEIR_CODEC_PC " -lweir-${codec}")
endforeach()

foreach(name IN ITEMS weir-core weir-buffer weir-transport weir-codec weir)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
