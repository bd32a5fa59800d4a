/* The linked stub, as bytes of the program that will put it into others. */
    .section .rodata
    .globl appshot_stub_begin
    .globl appshot_stub_end
    .balign 16
appshot_stub_begin:
    .incbin STUB_FILE
appshot_stub_end:
    .byte 0
    .section .note.GNU-stack,"",@progbits
