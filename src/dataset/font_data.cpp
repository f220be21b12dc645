#include "dataset/font_data.h"

// The assembler copies the file: a table of 760,000 numbers would take the compiler seconds.
asm(".section .rodata\n"
    ".balign 16\n"
    ".hidden iclora_font_begin\n"
    ".global iclora_font_begin\n"
    "iclora_font_begin:\n"
    ".incbin \"" ICLORA_FONT
    "\"\n"
    ".hidden iclora_font_end\n"
    ".global iclora_font_end\n"
    "iclora_font_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" const std::byte iclora_font_begin[];
extern "C" const std::byte iclora_font_end[];

namespace iclora::dataset {

std::span<const std::byte> font_data() {
  return {iclora_font_begin, iclora_font_end};
}

}  // namespace iclora::dataset
