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
# For loops to be vectorised. -O2 leaves those of unknown length alone; a comparison that could trap
# ends a vector; and where GCC threads a jump past the bounds of exponential(), it computes what
# follows a bound for every element too, whose products with e^-87 are denormal and cost 150 cycles.
set(ICLORA_LOOP_OPTIONS -O3 -fno-trapping-math)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND ICLORA_LOOP_OPTIONS -fno-thread-jumps)
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
  if(NOT ICLORA_FUZZ)
    # The checks make every file slow to optimise: with -Og the build takes a third less time.
    add_compile_options(-Og)
  endif()
  add_link_options(-fsanitize=${ICLORA_SANITIZE})
endif()
