# Headers of others that most sources include take the compiler longer than the sources themselves,
# so they are parsed once for all libraries, once more with JSON for those that speak it, and for
# the tests of both. None of our headers is among them, and none may rely on them: `./dev check`
# compiles each without.

# g++ 12 keeps its false alarms about moved strings to itself as long as it knows that they are about
# headers of the system; of what was precompiled it does not.
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-array-bounds>)

file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/precompiled.cc CONTENT "")

function(appshot_precompiled name)
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cc)
  target_precompile_headers(${name} PRIVATE
    <algorithm> <array> <charconv> <chrono> <cstring> <functional> <map> <memory> <optional> <set>
    <span> <sstream> <string> <string_view> <vector> <flatbuffers/flatbuffers.h> ${ARGN})
endfunction()

appshot_precompiled(precompiled)
appshot_precompiled(precompiled_json <nlohmann/json.hpp>)
appshot_precompiled(precompiled_test <gtest/gtest.h>)
appshot_precompiled(precompiled_json_test <nlohmann/json.hpp> <gtest/gtest.h>)

# What is tested is optimised; the tests are not, as compiling them takes longer than running them.
set(test_options -O0)
foreach(name precompiled_test precompiled_json_test)
  target_compile_options(${name} PRIVATE ${test_options})
  target_link_libraries(${name} PRIVATE GTest::gtest)
endforeach()
