#include "cli/numbers.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "core/error.h"

namespace iclora::cli {
namespace {

template <typename T>
std::optional<T> whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

int64_t parse_integer(std::string_view text, std::string_view what, int64_t low, int64_t high) {
  const auto value = whole<int64_t>(text);
  if (!value || *value < low || *value > high) {
    fail_input("{} must be a whole number from {} to {}, but it is '{}'", what, low, high,
               printable(text));
  }
  return *value;
}

double parse_number(std::string_view text, std::string_view what, double low, double high) {
  const auto value = whole<double>(text);
  if (!value || !std::isfinite(*value) || *value < low || *value > high) {
    fail_input("{} must be a number from {} to {}, but it is '{}'", what, low, high,
               printable(text));
  }
  return *value;
}

double parse_positive(std::string_view text, std::string_view what) {
  const auto value = whole<double>(text);
  if (!value || !std::isfinite(*value) || *value <= 0) {
    fail_input("{} must be a number above 0, but it is '{}'", what, printable(text));
  }
  return *value;
}

PixelSize parse_pixel_size(std::string_view text, std::string_view what) {
  constexpr int64_t kLargest = 65536;
  const size_t x = text.find('x');
  const auto width = whole<int64_t>(text.substr(0, std::min(x, text.size())));
  const auto height =
      x == std::string_view::npos ? std::nullopt : whole<int64_t>(text.substr(x + 1));
  if (!width || !height || *width < 1 || *height < 1 || *width > kLargest || *height > kLargest) {
    fail_input("{} must be WIDTHxHEIGHT in pixels, such as 512x768, but it is '{}'", what,
               printable(text));
  }
  return {*width, *height};
}

}  // namespace iclora::cli
