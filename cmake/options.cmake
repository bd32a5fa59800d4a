# Compiler settings shared by everything, and the switches a preset sets.
option(APPSHOT_SANITIZE "address and undefined-behaviour sanitizers" OFF)
option(APPSHOT_FUZZ "build the libFuzzer targets (needs clang)" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)
set(CMAKE_C_STANDARD 11)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

add_compile_options(-Wall -Wextra -Wshadow -Werror)
add_compile_definitions(_GNU_SOURCE)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

# Programs whose start-up time is in every command are linked statically; a sanitizer cannot be.
set(APPSHOT_STATIC_LINK -static)
# FlatBuffers' verifier does not look at the alignment of structures in vectors. x86-64 reads them
# wherever they lie, so a damaged image is harmless there, but the sanitizer would object.
if(APPSHOT_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=alignment
                      -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  set(CMAKE_CXX_FLAGS_DEBUG "-g1")  # what reports need
  set(APPSHOT_STATIC_LINK)
endif()
if(APPSHOT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=alignment
                      -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  set(APPSHOT_STATIC_LINK)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)  # for so few sources they are no gain
endif()

# Its manual asks for this where headers are precompiled (cmake/precompiled.cmake); no source of ours
# has the time in it.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()
