#include "core/progress.h"

namespace iclora {

void check_cancelled(const Progress& progress) {
  if (progress.cancelled()) throw Cancelled{};
}

}  // namespace iclora
