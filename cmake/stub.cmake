# The stub is compiled without anything around it, linked into one flat piece of code and embedded
# as bytes. It is never sanitised: it runs where there is no runtime.
set(stub_dir ${CMAKE_SOURCE_DIR}/src/restorer_stub)
set(stub_bin ${CMAKE_BINARY_DIR}/generated/stub.bin)
add_custom_command(
  OUTPUT ${stub_bin}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated
  COMMAND ${CMAKE_C_COMPILER} -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -fPIE -fno-stack-protector
          -mgeneral-regs-only -fcf-protection=none -fno-asynchronous-unwind-tables -fno-jump-tables
          -fno-tree-loop-distribute-patterns -c ${stub_dir}/stub.c -o ${stub_bin}.o
  COMMAND ${CMAKE_LINKER} -T ${stub_dir}/stub.ld -o ${stub_bin}.elf ${stub_bin}.o
  COMMAND ${CMAKE_OBJCOPY} -O binary ${stub_bin}.elf ${stub_bin}
  DEPENDS ${stub_dir}/stub.c ${stub_dir}/stub_abi.h ${stub_dir}/stub.ld
  COMMENT "restorer stub")
enable_language(ASM)
add_library(appshot_restorer_stub STATIC ${stub_dir}/embed.S ${stub_dir}/first_calls.S)
set_source_files_properties(${stub_dir}/embed.S PROPERTIES
  OBJECT_DEPENDS ${stub_bin} COMPILE_OPTIONS "-DSTUB_FILE=\"${stub_bin}\"")
target_include_directories(appshot_restorer_stub PUBLIC ${CMAKE_SOURCE_DIR}/src)
