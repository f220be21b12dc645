# Flags every target is compiled with. All code is position independent in the same way (-fPIC),
# because it ends in libiclora.so and so that one precompiled header serves libraries and tests.
add_compile_options(-fPIC -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -fstack-protector-strong -fno-omit-frame-pointer)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
# GCC 12 reports these inside its own library when it inlines; they say nothing about our code.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                      -Wno-dangling-pointer)
endif()
add_link_options(-Wl,-z,relro,-z,now)
# RPATH, not RUNPATH: the program's own lib/ then also serves what its libraries need in turn, which
# is what lets a relocated folder carry them.
add_link_options(-Wl,--disable-new-dtags)

if(ICLORA_FUZZ)
  # All code tells the fuzzer where it has been, not the fuzz targets alone.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(ICLORA_SANITIZE)
  add_compile_options(-fsanitize=${ICLORA_SANITIZE} -fno-sanitize-recover=all -g1)
  # libtorch is not instrumented, and not all of its classes show their type information.
  add_compile_options(-fno-sanitize=vptr)
  add_link_options(-fsanitize=${ICLORA_SANITIZE})
endif()
