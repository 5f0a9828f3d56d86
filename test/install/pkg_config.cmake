# Builds the consumer by nothing but the compiler and what pkg-config says, for buffer and for all of weir.
include(${CMAKE_CURRENT_LIST_DIR}/run_consumer.cmake)
set(ENV{PKG_CONFIG_PATH} ${PREFIX}/${LIBDIR}/pkgconfig)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

function(build module source program)
    set(more "")
    if(KIND STREQUAL static)
        set(more --static)
    endif()
    execute_process(COMMAND pkg-config ${more} --cflags --libs ${module}
        OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    if(KIND STREQUAL static)
        # Both kinds share a folder and -l prefers the shared one, so name the archives.
        string(REGEX REPLACE "-l(weir-[a-z-]+)" "-l:lib\\1.a" flags "${flags}")
    endif()
    separate_arguments(flags UNIX_COMMAND "${flags}")
    execute_process(COMMAND ${CC} -std=c17 ${CMAKE_CURRENT_LIST_DIR}/${source} -o ${WORK}/${program} ${flags}
        COMMAND_ERROR_IS_FATAL ANY)
endfunction()

build(weir-buffer consumer.c consumer)
run_consumer(${WORK}/consumer ${KIND})
build(weir-codec consumer_all.c consumer_codec)
build(weir consumer_all.c consumer_all)
foreach(module IN ITEMS weir-core weir-buffer weir-transport weir-codec weir)
    execute_process(COMMAND pkg-config --exists --print-errors "${module} = 0.1.0" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
set(ENV{LD_LIBRARY_PATH} ${PREFIX}/${LIBDIR})
execute_process(COMMAND ${WORK}/consumer_all COMMAND_ERROR_IS_FATAL ANY)
