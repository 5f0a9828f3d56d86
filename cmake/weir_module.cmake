# How a module of weir is built.
#
#   weir_module(buffer
#       SOURCES src/buf.c ...          relative to the caller
#       PUBLIC core                    modules whose headers its headers include
#       PRIVATE LibUV::LibUV           what only its sources need
#       [OUTPUT weir-buffer])          library name without lib; default weir-<name>, _ becomes -
#
# makes weir_buffer_static and weir_buffer_shared, known to users as weir::buffer_static and
# weir::buffer_shared, and weir::buffer, which is one of the two by BUILD_SHARED_LIBS.

set(WEIR_SOVERSION 0)
set_property(GLOBAL PROPERTY WEIR_MODULES "")

# The sources of a module. The lists are globbed, so adding a file needs no edit here: CONFIGURE_DEPENDS
# makes the build look again each time. A file named for a platform is left out on the others.
function(weir_sources out)
    set(patterns ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${patterns})
    set(others linux bsd none)
    if(CMAKE_SYSTEM_NAME STREQUAL Linux)
        list(REMOVE_ITEM others linux)
    elseif(CMAKE_SYSTEM_NAME MATCHES "BSD|Darwin|DragonFly")
        list(REMOVE_ITEM others bsd)
    else()
        list(REMOVE_ITEM others none)
    endif()
    list(JOIN others "|" others)
    list(FILTER sources EXCLUDE REGEX "_(${others})\\.c$")
    set(${out} "${sources}" PARENT_SCOPE)
endfunction()

function(weir_library name kind)
    cmake_parse_arguments(arg "" "OUTPUT" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
    string(TOLOWER ${kind} suffix)
    set(target weir_${name}_${suffix})
    add_library(${target} ${kind} ${arg_SOURCES})
    add_library(weir::${name}_${suffix} ALIAS ${target})
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${arg_OUTPUT}
        EXPORT_NAME ${name}_${suffix}
        C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
        LINKER_LANGUAGE C
        C_VISIBILITY_PRESET hidden
        POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target}
        PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:weir_options>)
    foreach(module IN LISTS arg_PUBLIC)
        target_link_libraries(${target} PUBLIC weir_${module}_${suffix})
    endforeach()
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE})
    if(kind STREQUAL STATIC)
        target_compile_definitions(${target} PUBLIC WEIR_STATIC)
    else()
        set_target_properties(${target} PROPERTIES
            VERSION ${PROJECT_VERSION} SOVERSION ${WEIR_SOVERSION} INSTALL_RPATH "$ORIGIN")
        target_link_options(${target} PRIVATE -Wl,--as-needed)
        if(NOT WEIR_SANITIZE)
            target_link_options(${target} PRIVATE -Wl,--no-undefined)
        endif()
    endif()
endfunction()

function(weir_module name)
    cmake_parse_arguments(arg "" "OUTPUT" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
    if(NOT arg_OUTPUT)
        string(REPLACE _ - arg_OUTPUT weir-${name})
    endif()
    if(NOT arg_SOURCES)
        file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.c
            CONTENT "typedef int weir_${name}_is_empty;\n")
        set(arg_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.c)
    endif()
    set(rest OUTPUT ${arg_OUTPUT} SOURCES ${arg_SOURCES} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    weir_library(${name} STATIC ${rest})
    if(WEIR_SHARED)
        weir_library(${name} SHARED ${rest})
    endif()
    weir_choose(${name})
    set_property(GLOBAL APPEND PROPERTY WEIR_MODULES ${name})
endfunction()

# weir::<name> for one of the two variants.
function(weir_choose name)
    if(BUILD_SHARED_LIBS AND WEIR_SHARED)
        add_library(weir::${name} ALIAS weir_${name}_shared)
    else()
        add_library(weir::${name} ALIAS weir_${name}_static)
    endif()
endfunction()

# A name for several modules at once: weir_umbrella(codec codec_decoder codec_framing).
function(weir_umbrella name)
    set(variants static)
    if(WEIR_SHARED)
        list(APPEND variants shared)
    endif()
    foreach(variant IN LISTS variants)
        add_library(weir_${name}_${variant} INTERFACE)
        add_library(weir::${name}_${variant} ALIAS weir_${name}_${variant})
        set_target_properties(weir_${name}_${variant} PROPERTIES EXPORT_NAME ${name}_${variant})
        foreach(module IN LISTS ARGN)
            target_link_libraries(weir_${name}_${variant} INTERFACE weir_${module}_${variant})
        endforeach()
    endforeach()
    weir_choose(${name})
    set_property(GLOBAL APPEND PROPERTY WEIR_MODULES ${name})
endfunction()
