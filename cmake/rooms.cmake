# One folder of src/ is one static library, and a folder includes only what it may see.
#
#   iclora_room(panels SEES image SOURCES layout.cpp split.cpp [TORCH] [LINKS PNG::PNG])
#
# Headers are included by folder ("panels/layout.h"). Each library offers an include directory that
# holds a link to its own folder alone, so that a header of a folder that is not named in SEES (or
# seen by one that is) is simply not found.
# FOLDER: the room lies in another one's folder (flux_config: what of flux/ needs no tensors).
function(iclora_room name)
  cmake_parse_arguments(ROOM "TORCH" "FOLDER" "SEES;SOURCES;LINKS" ${ARGN})
  if(NOT ROOM_FOLDER)
    set(ROOM_FOLDER ${name})
  endif()
  set(view ${PROJECT_BINARY_DIR}/views/${ROOM_FOLDER})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${ROOM_FOLDER} ${view}/${ROOM_FOLDER} SYMBOLIC)
  set(target iclora_${name})
  add_library(${target} STATIC ${ROOM_SOURCES})
  target_include_directories(${target} PUBLIC ${view})
  foreach(seen ${ROOM_SEES})
    target_link_libraries(${target} PUBLIC iclora_${seen})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ROOM_LINKS})
  if(ROOM_TORCH)
    target_link_libraries(${target} PUBLIC torch::cpu)
    iclora_use_torch_header(${target})
  endif()
endfunction()

# <ATen/ATen.h> costs eight seconds a file; it is compiled once and reused by every target.
function(iclora_use_torch_header target)
  if(NOT TARGET iclora_torch_header)
    file(WRITE ${PROJECT_BINARY_DIR}/torch_header.cpp "// Holds the precompiled header.\n")
    add_library(iclora_torch_header OBJECT ${PROJECT_BINARY_DIR}/torch_header.cpp)
    target_link_libraries(iclora_torch_header PRIVATE torch::cpu fmt::fmt nlohmann_json::nlohmann_json)
    target_precompile_headers(iclora_torch_header PRIVATE <ATen/ATen.h> <ATen/Parallel.h> <fmt/format.h>
                              <algorithm> <cmath> <cstdint> <filesystem> <functional> <map> <memory>
                              <optional> <string> <string_view> <vector>)
  endif()
  target_precompile_headers(${target} REUSE_FROM iclora_torch_header)
endfunction()

#   iclora_test(panels SOURCES layout_test.cpp [TORCH] [SEES panels ...] [LINKS ...])
#
# tests/NAME becomes one test program; fixtures are reached through ICLORA_FIXTURES.
function(iclora_test name)
  cmake_parse_arguments(TEST "TORCH" "" "SEES;SOURCES;LINKS" ${ARGN})
  set(target test_${name})
  add_executable(${target} ${TEST_SOURCES})
  foreach(seen ${TEST_SEES})
    target_link_libraries(${target} PRIVATE iclora_${seen})
  endforeach()
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE GTest::gtest GTest::gmock GTest::gtest_main ${TEST_LINKS})
  target_compile_definitions(
    ${target} PRIVATE ICLORA_FIXTURES="${PROJECT_SOURCE_DIR}/tests/fixtures"
                      ICLORA_PROGRAM="${PROJECT_BINARY_DIR}/bin/iclora")
  if(TEST_TORCH)
    target_link_libraries(${target} PRIVATE torch::cpu)
    iclora_use_torch_header(${target})
    set_target_properties(${target} PROPERTIES BUILD_RPATH "${TORCH_DIR}/lib")
  endif()
  # Against hanging alone: a busy machine takes several times as long, sanitizers ten times.
  set(timeout 900)
  if(ICLORA_SANITIZE)
    set(timeout 3600)
  endif()
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}/"
                       # Tests run side by side: threads that spin while they wait would take the
                       # processors from the others.
                       PROPERTIES TIMEOUT ${timeout} ENVIRONMENT OMP_WAIT_POLICY=passive)
endfunction()

#   iclora_fuzz(safetensors SEES weights SOURCES fuzz_safetensors.cpp)
#
# A libFuzzer target (clang only) that starts from tests/fuzz/corpus/NAME.
function(iclora_fuzz name)
  cmake_parse_arguments(FUZZ "" "" "SEES;SOURCES" ${ARGN})
  if(NOT ICLORA_FUZZ)
    return()
  endif()
  set(target fuzz_${name})
  add_executable(${target} ${FUZZ_SOURCES})
  foreach(seen ${FUZZ_SEES})
    target_link_libraries(${target} PRIVATE iclora_${seen})
  endforeach()
  target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
endfunction()
include(GoogleTest)
