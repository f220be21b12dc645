#pragma once
// A forward function keeps what its backward needs only where it is asked to: through a pointer
// that may be null, and whose parts it hands on.

namespace iclora::nn {

/// &saved->member, or null where `saved` is.
template <typename Saved, typename Part>
Part* part_of(Saved* saved, Part Saved::*member) {
  return saved == nullptr ? nullptr : &(saved->*member);
}

}  // namespace iclora::nn
