# Installs the build into a fresh prefix and looks for what must be there.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
foreach(path IN ITEMS
        include/weir/core.h include/weir/buffer.h include/weir/transport.h include/weir/codec.h
        ${LIBDIR}/libweir-core.a ${LIBDIR}/libweir-core.so.0 ${LIBDIR}/libweir-buffer.a ${LIBDIR}/libweir-buffer.so.0
        ${LIBDIR}/libweir-transport.so.0 ${LIBDIR}/libweir-codec-framing.so.0
        ${LIBDIR}/cmake/weir/weir-config.cmake ${LIBDIR}/pkgconfig/weir.pc)
    if(NOT EXISTS ${PREFIX}/${path})
        message(SEND_ERROR "not installed: ${path}")
    endif()
endforeach()

# No name of a static library can meet one of the host's.
file(GLOB archives ${PREFIX}/${LIBDIR}/libweir-*.a)
list(FILTER archives EXCLUDE REGEX "testing")
foreach(archive IN LISTS archives)
    execute_process(COMMAND nm -g --defined-only ${archive} OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[0-9a-f]+ [A-Z] [A-Za-z0-9_]+" lines "${lines}")
    list(FILTER lines EXCLUDE REGEX " weir_")
    if(lines)
        message(SEND_ERROR "${archive} defines ${lines}")
    endif()
endforeach()
