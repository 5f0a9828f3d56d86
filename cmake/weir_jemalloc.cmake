# How the buffer module gets jemalloc: WEIR_JEMALLOC = private, shared or none.
#
# A library must not replace its host's malloc, and linking libjemalloc does. In private mode the
# position-independent archive becomes one object whose few used functions are renamed weir_je_* and
# hidden, everything else local; that object goes into the static and the shared buffer library alike.
# The work is done at build time by jemalloc_private.cmake.
#
# Either way jemalloc keeps 2.6 KB in the static TLS block, which glibc lays out before main: a program
# that links the shared buffer library is fine, one that first meets it by dlopen must be started with
# GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096, or get a weir built with WEIR_JEMALLOC=none.

# What the pool may call, and the option string jemalloc reads at start.
set(WEIR_JEMALLOC_FUNCTIONS mallocx rallocx xallocx sallocx dallocx sdallocx nallocx
    mallctl mallctlnametomib mallctlbymib malloc_stats_print malloc_usable_size)
set(WEIR_JEMALLOC_NAMES ${WEIR_JEMALLOC_FUNCTIONS} malloc_conf)
set(WEIR_JEMALLOC_OBJECT "")
set(WEIR_JEMALLOC_MODE ${WEIR_JEMALLOC})

if(NOT WEIR_JEMALLOC MATCHES "^(private|shared|none)$")
    message(FATAL_ERROR "WEIR_JEMALLOC is ${WEIR_JEMALLOC}; it must be private, shared or none")
endif()
if(NOT WEIR_JEMALLOC STREQUAL none)
    find_package(Jemalloc 5.0 REQUIRED)
    if(WEIR_JEMALLOC STREQUAL private AND NOT Jemalloc_PIC_ARCHIVE)
        message(WARNING "libjemalloc_pic.a not found: linking libjemalloc, which replaces the host's malloc")
        set(WEIR_JEMALLOC_MODE shared)
    endif()
endif()

if(WEIR_JEMALLOC_MODE STREQUAL private)
    set(WEIR_JEMALLOC_OBJECT ${CMAKE_CURRENT_BINARY_DIR}/weir_jemalloc.o)
    list(JOIN WEIR_JEMALLOC_NAMES "," names)
    add_custom_command(
        OUTPUT ${WEIR_JEMALLOC_OBJECT}
        COMMAND ${CMAKE_COMMAND} -D ARCHIVE=${Jemalloc_PIC_ARCHIVE} -D OUTPUT=${WEIR_JEMALLOC_OBJECT}
            -D NAMES=${names} -D CC=${CMAKE_C_COMPILER} -D AR=${CMAKE_AR} -D LD=${CMAKE_LINKER}
            -D OBJCOPY=${CMAKE_OBJCOPY} -P ${PROJECT_SOURCE_DIR}/cmake/jemalloc_private.cmake
        DEPENDS ${PROJECT_SOURCE_DIR}/cmake/jemalloc_private.cmake ${Jemalloc_PIC_ARCHIVE}
        COMMENT "Making a private jemalloc"
        VERBATIM)
    add_custom_target(weir_jemalloc_object DEPENDS ${WEIR_JEMALLOC_OBJECT})
    set_source_files_properties(${WEIR_JEMALLOC_OBJECT} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
endif()
set_property(GLOBAL PROPERTY WEIR_JEMALLOC_MODE ${WEIR_JEMALLOC_MODE})
message(STATUS "weir: jemalloc is ${WEIR_JEMALLOC_MODE}")

# jemalloc's header is for one source only; the new names reach that source as macros, so it includes
# <jemalloc/jemalloc.h> and calls mallocx() as usual, whichever mode is built.
set(WEIR_JEMALLOC_SOURCE ${CMAKE_CURRENT_SOURCE_DIR}/src/pool/backend_jemalloc.c)
if(WEIR_JEMALLOC_MODE STREQUAL none)
    list(REMOVE_ITEM sources ${WEIR_JEMALLOC_SOURCE})
elseif(WEIR_JEMALLOC_MODE STREQUAL private)
    set(definitions WEIR_JEMALLOC_PRIVATE)
    foreach(name IN LISTS WEIR_JEMALLOC_NAMES)
        list(APPEND definitions ${name}=weir_je_${name})
    endforeach()
    set_source_files_properties(${WEIR_JEMALLOC_SOURCE} PROPERTIES COMPILE_DEFINITIONS "${definitions}")
endif()

function(weir_jemalloc_apply name)
    foreach(target IN ITEMS weir_${name}_static weir_${name}_shared)
        if(NOT TARGET ${target})
            continue()
        endif()
        if(WEIR_JEMALLOC_MODE STREQUAL private)
            add_dependencies(${target} weir_jemalloc_object)
            target_include_directories(${target} PRIVATE ${Jemalloc_INCLUDE_DIR})
            target_link_libraries(${target} PRIVATE m ${CMAKE_DL_LIBS})
        elseif(WEIR_JEMALLOC_MODE STREQUAL shared)
            target_link_libraries(${target} PRIVATE Jemalloc::Jemalloc)
        else()
            target_compile_definitions(${target} PRIVATE WEIR_NO_JEMALLOC)
        endif()
    endforeach()
endfunction()
