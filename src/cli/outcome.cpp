#include "cli/outcome.h"

#include <filesystem>
#include <new>
#include <string_view>

#include "core/error.h"
#include "core/progress.h"

namespace iclora::cli {
namespace {

/// Only the first line: libtorch appends a stack trace.
std::string first_line(const std::string& text) {
  return printable(text.substr(0, text.find('\n')), 600);
}

/// libtorch's allocators do not throw std::bad_alloc, and oneDNN, which has no room for the code
/// that it makes, says nothing of memory at all.
bool tells_of_memory(const std::string& text) {
  return text.find("can't allocate memory") != std::string::npos ||
         text.find("not enough memory") != std::string::npos ||
         text.find("out of memory") != std::string::npos ||
         text.find("could not create a primitive") != std::string::npos;
}

constexpr const char* kLessMemory =
    "use fewer or smaller panels, a smaller batch, bf16, or a machine with more";

/// "out of memory, 1234 bytes more were asked for; ...": libtorch says how many.
std::string memory_message(const std::string& text) {
  constexpr std::string_view kBefore = "tried to allocate ";
  const size_t at = text.find(kBefore);
  const std::string number =
      at == std::string::npos
          ? ""
          : text.substr(
                at + kBefore.size(),
                text.find_first_not_of("0123456789", at + kBefore.size()) - at - kBefore.size());
  return "out of memory" + (number.empty() ? "" : ", " + number + " bytes more were asked for") +
         "; " + kLessMemory;
}

Outcome described() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.exit_code(), error.what()};
  } catch (const Cancelled&) {
    return {static_cast<int>(ErrorKind::interrupted), "stopped by a signal before it was finished"};
  } catch (const std::bad_alloc&) {
    return {static_cast<int>(ErrorKind::memory), memory_message("")};
  } catch (const std::filesystem::filesystem_error& error) {
    return {static_cast<int>(ErrorKind::internal), first_line(error.what())};
  } catch (const std::exception& error) {
    const std::string text = error.what();
    if (tells_of_memory(text)) {
      return {static_cast<int>(ErrorKind::memory), memory_message(text)};
    }
    return {static_cast<int>(ErrorKind::internal), "an internal error: " + first_line(text)};
  } catch (...) {
    return {static_cast<int>(ErrorKind::internal), "an internal error of an unknown kind"};
  }
}

}  // namespace

Outcome current_outcome() {
  Outcome outcome = described();
  std::string& text = outcome.message;
  if (!text.empty() && std::string_view(".!?").find(text.back()) == std::string_view::npos) {
    text += '.';
  }
  return outcome;
}

}  // namespace iclora::cli
