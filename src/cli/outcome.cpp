#include "cli/outcome.h"

#include <filesystem>
#include <new>

#include "core/error.h"
#include "core/progress.h"

namespace iclora::cli {
namespace {

/// Only the first line: libtorch appends a stack trace.
std::string first_line(const std::string& text) {
  return printable(text.substr(0, text.find('\n')), 600);
}

/// libtorch's allocators do not throw std::bad_alloc.
bool tells_of_memory(const std::string& text) {
  return text.find("can't allocate memory") != std::string::npos ||
         text.find("not enough memory") != std::string::npos ||
         text.find("out of memory") != std::string::npos;
}

}  // namespace

Outcome current_outcome() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.exit_code(), error.what()};
  } catch (const Cancelled&) {
    return {static_cast<int>(ErrorKind::interrupted), "stopped by a signal before it was finished"};
  } catch (const std::bad_alloc&) {
    return {static_cast<int>(ErrorKind::memory),
            "out of memory; use fewer or smaller panels, --dtype bf16, or a machine with more"};
  } catch (const std::filesystem::filesystem_error& error) {
    return {static_cast<int>(ErrorKind::internal), first_line(error.what())};
  } catch (const std::exception& error) {
    const std::string text = error.what();
    if (tells_of_memory(text)) {
      return {static_cast<int>(ErrorKind::memory), "out of memory: " + first_line(text)};
    }
    return {static_cast<int>(ErrorKind::internal), "an internal error: " + first_line(text)};
  } catch (...) {
    return {static_cast<int>(ErrorKind::internal), "an internal error of an unknown kind"};
  }
}

}  // namespace iclora::cli
