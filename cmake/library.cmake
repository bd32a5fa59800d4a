# appshot_library(folder deps…): src/folder/**.cc becomes the static library appshot_folder, and its
# *_test.cc one GoogleTest program, unit_folder. Dependencies are other folders or targets; they name
# the layers of ARCHITECTURE.md, and `./dev check` holds the includes to them.
function(appshot_library folder)
  string(REPLACE "/" "_" name ${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  add_library(appshot_${name} STATIC ${sources})
  target_include_directories(appshot_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
  foreach(dep ${ARGN})
    if(TARGET appshot_${dep})
      target_link_libraries(appshot_${name} PUBLIC appshot_${dep})
    else()
      target_link_libraries(appshot_${name} PUBLIC ${dep})
    endif()
  endforeach()

  if(tests)
    add_executable(unit_${name} ${tests})
    target_link_libraries(unit_${name} PRIVATE appshot_${name} GTest::gtest_main)
    add_test(NAME unit_${name} COMMAND unit_${name})
  endif()
endfunction()
