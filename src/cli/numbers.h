#pragma once
// Numbers and sizes as they stand on the command line: strict, and refused in a sentence.

#include <cstdint>
#include <string>
#include <string_view>

namespace iclora::cli {

/// A whole number in [low, high]; `what` is the option.
int64_t parse_integer(std::string_view text, std::string_view what, int64_t low, int64_t high);
/// A finite decimal number in [low, high].
double parse_number(std::string_view text, std::string_view what, double low, double high);
/// A finite decimal number above 0.
double parse_positive(std::string_view text, std::string_view what);

struct PixelSize {
  int64_t width = 0;
  int64_t height = 0;
};
/// "512x768".
PixelSize parse_pixel_size(std::string_view text, std::string_view what);

}  // namespace iclora::cli
