#include "cli/outcome.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "core/error.h"

namespace iclora::cli {
namespace {

template <typename Exception>
Outcome outcome_of(const Exception& exception) {
  try {
    throw exception;
  } catch (...) {
    return current_outcome();
  }
}

TEST(Outcome, KnowsTheEndOfMemoryInAllItsWords) {
  EXPECT_EQ(outcome_of(std::bad_alloc()).exit_code, 5);
  for (const char* words :
       {"DefaultCPUAllocator: can't allocate memory: you tried to allocate 1234 bytes.",
        "could not create a primitive", "CUDA out of memory."}) {
    const Outcome outcome = outcome_of(std::runtime_error(words));
    EXPECT_EQ(outcome.exit_code, 5) << words;
    EXPECT_EQ(outcome.message.substr(0, 13), "out of memory");
  }
  EXPECT_NE(
      outcome_of(std::runtime_error("you tried to allocate 1234 bytes: can't allocate memory"))
          .message.find("1234 bytes more"),
      std::string::npos);
  const Outcome other = outcome_of(std::runtime_error("a fault\nits stack"));
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_EQ(other.message, "an internal error: a fault.");
}

TEST(Outcome, IsAWholeSentence) {
  EXPECT_EQ(outcome_of(std::runtime_error("a fault!")).message, "an internal error: a fault!");
  EXPECT_EQ(outcome_of(Error(ErrorKind::input, "'x' is not there")).message, "'x' is not there.");
}

}  // namespace
}  // namespace iclora::cli
