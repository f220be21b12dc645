# Finds libtorch 2.11.0 as its Python wheel lays it out, without the wheel's own CMake files
# (those demand a CUDA toolkit). Gives the imported target torch::cpu (torch_cpu and c10).
# TORCH_DIR, as a cache variable or in the environment, names the folder with lib/ and include/.
set(ICLORA_TORCH_VERSION 2.11.0)
if(NOT TORCH_DIR)
  if(DEFINED ENV{TORCH_DIR})
    set(TORCH_DIR $ENV{TORCH_DIR})
  else()
    if(DEFINED ENV{XDG_CACHE_HOME})
      set(_cache $ENV{XDG_CACHE_HOME}/iclora)
    else()
      set(_cache $ENV{HOME}/.cache/iclora)
    endif()
    foreach(_flavour cuda cpu)
      if(NOT TORCH_DIR AND EXISTS ${_cache}/libtorch-${ICLORA_TORCH_VERSION}-${_flavour}/torch)
        set(TORCH_DIR ${_cache}/libtorch-${ICLORA_TORCH_VERSION}-${_flavour}/torch)
      endif()
    endforeach()
  endif()
endif()
if(NOT EXISTS "${TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "libtorch ${ICLORA_TORCH_VERSION} was not found (looked in '${TORCH_DIR}'); "
                      "run tools/setup/libtorch.sh, or set TORCH_DIR to the torch folder of its wheel.")
endif()
file(READ ${TORCH_DIR}/include/torch/headeronly/version.h _version_header)
string(REGEX MATCH "TORCH_VERSION_MAJOR ([0-9]+)" _ "${_version_header}")
set(_major ${CMAKE_MATCH_1})
string(REGEX MATCH "TORCH_VERSION_MINOR ([0-9]+)" _ "${_version_header}")
set(_minor ${CMAKE_MATCH_1})
if(NOT "${_major}.${_minor}" STREQUAL "2.11")
  message(FATAL_ERROR "libtorch in '${TORCH_DIR}' is version ${_major}.${_minor}; "
                      "iclora is built against ${ICLORA_TORCH_VERSION} and no other.")
endif()

add_library(torch::c10 SHARED IMPORTED)
set_target_properties(torch::c10 PROPERTIES IMPORTED_LOCATION ${TORCH_DIR}/lib/libc10.so)
add_library(torch::cpu SHARED IMPORTED)
set_target_properties(
  torch::cpu
  PROPERTIES IMPORTED_LOCATION ${TORCH_DIR}/lib/libtorch_cpu.so
             # Searched last: the wheel carries headers of other libraries (fmt, protobuf) in versions
             # that are not those we link.
             INTERFACE_COMPILE_OPTIONS
             "SHELL:-idirafter \"${TORCH_DIR}/include\";SHELL:-idirafter \"${TORCH_DIR}/include/torch/csrc/api/include\""
             INTERFACE_COMPILE_DEFINITIONS _GLIBCXX_USE_CXX11_ABI=1
             INTERFACE_LINK_LIBRARIES torch::c10)
# at::parallel_for is a template whose threads are OpenMP's: built without it, it is a plain loop.
# libtorch brings the run-time library (libgomp.so.1) and has loaded it before ours asks for it.
# (clang has another one and gets none: its builds hold no tensors.)
target_compile_options(torch::cpu INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fopenmp>)
set_property(TARGET torch::cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS
             $<$<CXX_COMPILER_ID:GNU>:-fopenmp>)
# The wheel's libraries name their CUDA neighbours by a path relative to themselves.
set_property(TARGET torch::cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS
             "-Wl,--allow-shlib-undefined" "-Wl,-rpath-link,${TORCH_DIR}/lib")
