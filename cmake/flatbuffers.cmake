# The image format's schemas become C++ once, in the build folder. The object API gives plain,
# comparable values: what a capture collects and what a restore reads. They get a header of their
# own, since compiling all that flatc writes would cost every source that includes it seconds.
find_program(FLATC flatc REQUIRED)
find_program(PYTHON3 python3 REQUIRED)
set(schema_dir ${CMAKE_SOURCE_DIR}/src/image/schema)
file(GLOB schemas CONFIGURE_DEPENDS ${schema_dir}/*.fbs)
set(generated_dir ${CMAKE_BINARY_DIR}/generated/image/schema)
set(schema_split ${CMAKE_SOURCE_DIR}/cmake/split_schema_header.py)
set(schema_values ${generated_dir}/values.cc)
add_custom_command(
  OUTPUT ${generated_dir}/values.h ${generated_dir}/tables.h ${schema_values}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${generated_dir}
  COMMAND ${FLATC} --cpp --cpp-std c++17 --scoped-enums --gen-object-api --gen-compare --gen-all
          --keep-prefix -I ${schema_dir} -o ${CMAKE_BINARY_DIR}/generated ${schema_dir}/image.fbs
  COMMAND ${PYTHON3} ${schema_split} ${CMAKE_BINARY_DIR}/generated/image_generated.h ${generated_dir}
  DEPENDS ${schemas} ${schema_split}
  COMMENT "image schemas")
add_custom_target(image_schema DEPENDS ${schema_values})
