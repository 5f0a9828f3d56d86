# Builds a project of its own against the prefix by find_package(weir) and checks its programs.
include(${CMAKE_CURRENT_LIST_DIR}/run_consumer.cmake)
if(NOT PROJECT)
    set(PROJECT ${CMAKE_CURRENT_LIST_DIR}/find_package)
endif()
file(REMOVE_RECURSE ${WORK})
execute_process(
    COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${PROJECT} -B ${WORK} -D CMAKE_C_COMPILER=${CC} -D CMAKE_PREFIX_PATH=${PREFIX}
        -D CMAKE_BUILD_TYPE=Debug -D WEIR_KIND=${KIND}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK} OUTPUT_VARIABLE log RESULT_VARIABLE code)
if(NOT code EQUAL 0)
    message(FATAL_ERROR "${log}")
endif()
if(EXISTS ${WORK}/consumer)
    run_consumer(${WORK}/consumer ${KIND})
    execute_process(COMMAND ${WORK}/consumer_all TIMEOUT 60 OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${WORK}/consumer_test TIMEOUT 60 OUTPUT_QUIET ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
else()
    # An example: it must link without libuv, answer --help and serve real traffic.
    get_filename_component(name ${PROJECT} NAME)
    execute_process(COMMAND ldd ${WORK}/${name} OUTPUT_VARIABLE libraries COMMAND_ERROR_IS_FATAL ANY)
    if(libraries MATCHES "libuv|libjemalloc")
        message(FATAL_ERROR "${name} links more than the buffer module:\n${libraries}")
    endif()
    execute_process(COMMAND ${WORK}/${name} --help TIMEOUT 60 OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${PYTHON} ${CMAKE_CURRENT_LIST_DIR}/drive_lines.py ${WORK}/${name}
        TIMEOUT 60 COMMAND_ERROR_IS_FATAL ANY)
endif()
