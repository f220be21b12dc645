#pragma once
// The font inside the program: DejaVu Sans, as the build found it (cmake/dependencies.cmake). It
// has the scripts that FLUX.1's text encoder knows, and is there on a machine without any font.

#include <cstddef>
#include <span>

namespace iclora::dataset {

std::span<const std::byte> font_data();

}  // namespace iclora::dataset
