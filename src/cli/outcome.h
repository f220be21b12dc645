#pragma once
// What an exception means to whoever started the program.

#include <string>

namespace iclora::cli {

struct Outcome {
  int exit_code = 0;
  std::string message;  ///< one line; empty when there is nothing to say
};

/// Call inside a catch block: the exit code (design 4.1) and the sentence of the exception that is
/// being handled.
Outcome current_outcome();

}  // namespace iclora::cli
