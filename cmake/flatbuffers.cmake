# The image format's schemas become C++ once, in the build folder. The object API gives plain,
# comparable values: what a capture collects and what a restore reads.
find_program(FLATC flatc REQUIRED)
file(GLOB schemas CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/image/schema/*.fbs)
set(generated_dir ${CMAKE_BINARY_DIR}/generated/image/schema)
set(generated_headers)
foreach(schema ${schemas})
  get_filename_component(stem ${schema} NAME_WE)
  list(APPEND generated_headers ${generated_dir}/${stem}_generated.h)
endforeach()
add_custom_command(
  OUTPUT ${generated_headers}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${generated_dir}
  COMMAND ${FLATC} --cpp --cpp-std c++17 --scoped-enums --gen-object-api --gen-compare --gen-name-strings
          --reflect-names --keep-prefix --include-prefix image/schema
          -I ${CMAKE_SOURCE_DIR}/src/image/schema -o ${generated_dir} ${schemas}
  DEPENDS ${schemas}
  COMMENT "image schemas")
add_custom_target(image_schema DEPENDS ${generated_headers})
