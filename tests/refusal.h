#pragma once
// What a call says when it refuses what it was given.

#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace iclora::testing_support {

/// The sentence with which `call` refuses its input, "accepted" where it does not. A refusal that
/// is not the input's fault, or is more than one line, fails the test.
template <typename Call>
std::string refusal_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  return "accepted";
}

}  // namespace iclora::testing_support
