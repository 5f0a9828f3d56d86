# The presets parse, and those the documents name are there.
foreach(type IN ITEMS configure build test)
    execute_process(COMMAND ${CMAKE_COMMAND} --list-presets=${type} WORKING_DIRECTORY ${SOURCE}
        OUTPUT_VARIABLE presets COMMAND_ERROR_IS_FATAL ANY)
    foreach(name IN ITEMS dev release asan tsan coverage fuzz)
        if(NOT presets MATCHES "\"${name}\"")
            message(SEND_ERROR "no ${type} preset ${name} in:\n${presets}")
        endif()
    endforeach()
endforeach()
