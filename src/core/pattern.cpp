#include "core/pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace iclora {
namespace {

/// How many times as long the pattern is with its counted repeats (`x{2,30}`) written out, at most.
double written_out(const std::string& text) {
  double factor = 1;
  for (size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) {
    char* end = nullptr;
    double count = std::strtod(text.c_str() + at + 1, &end);
    if (*end == ',') count = std::max(count, std::strtod(end + 1, nullptr));
    factor *= std::max(count, 1.0);
  }
  return factor;
}

std::regex compile(const std::string& text) {
  // libstdc++ calls itself for every piece of a pattern, and makes a state of each.
  constexpr double kMostPieces = 10'000;
  if (text.size() > Pattern::kLongest) {
    throw std::invalid_argument(fmt::format("it is longer than {} bytes", Pattern::kLongest));
  }
  if (static_cast<double>(text.size()) * written_out(text) > kMostPieces) {
    throw std::invalid_argument("it repeats too often what it repeats");
  }
  // Its usual matcher tries every way to cut the text: ".*.*.*.*.*.*.*.*x" takes it hours.
  try {
    return std::regex(text, std::regex_constants::ECMAScript | std::regex_constants::__polynomial);
  } catch (const std::regex_error& error) {
    throw std::invalid_argument(error.what());
  }
}

}  // namespace

Pattern::Pattern(const std::string& text) : compiled_(compile(text)) {}

bool Pattern::matches(const std::string& text) const {
  return std::regex_match(text, compiled_);
}

bool Pattern::occurs_in(const std::string& text) const {
  return std::regex_search(text, compiled_);
}

}  // namespace iclora
