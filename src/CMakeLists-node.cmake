# The daemon's and the user's side of docs/harness-protocol.md.
find_package(SQLite3 REQUIRED)
set(sqlite_library SQLite::SQLite3)
if(APPSHOT_STATIC_LINK)
  find_library(sqlite_static libsqlite3.a REQUIRED)
  set(sqlite_library ${sqlite_static} m)
endif()

if(NOT TARGET appshot_os)
  appshot_library(os base)
endif()
appshot_library(protocol os nlohmann_json::nlohmann_json)
appshot_library(registry base ${sqlite_library})
appshot_library(api base protocol)
appshot_library(isolation os)
appshot_library(environments isolation protocol rules)
appshot_library(templates image endpoints isolation protocol rules)
target_compile_definitions(unit_templates PRIVATE APPSHOT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
appshot_library(node api registry image endpoints environments templates)
target_compile_definitions(appshot_node PRIVATE APPSHOT_VERSION="${PROJECT_VERSION}")
target_compile_definitions(unit_node PRIVATE APPSHOT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

add_executable(appshotd node/main.cc)
target_link_libraries(appshotd PRIVATE appshot_node)
target_link_options(appshotd PRIVATE ${APPSHOT_STATIC_LINK})
target_precompile_headers(appshotd REUSE_FROM precompiled_json)

appshot_library(cli api protocol)
target_compile_definitions(appshot_cli PRIVATE APPSHOT_VERSION="${PROJECT_VERSION}")
add_executable(appshot cli/main.cc)
target_link_libraries(appshot PRIVATE appshot_cli)
target_link_options(appshot PRIVATE ${APPSHOT_STATIC_LINK})
target_precompile_headers(appshot REUSE_FROM precompiled_json)

# Speaks the harness protocol without an engine behind it, so that the daemon and the command line
# can be tested alone.
add_executable(fake_harness ${CMAKE_SOURCE_DIR}/tests/fakes/fake_harness.cc)
target_link_libraries(fake_harness PRIVATE appshot_protocol appshot_image)
target_precompile_headers(fake_harness REUSE_FROM precompiled_json)
