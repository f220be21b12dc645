#pragma once
// A fixed cut of work into shards, computed side by side and gathered in order.

#include <cstdint>
#include <functional>

namespace iclora::train {

/// Calls compute(k) for k from 0 to count - 1 on libtorch's threads, one thread a shard from start
/// to end, and gather(k) strictly in order, one at a time. compute's result is handed over by the
/// caller's own means, indexed by worker (0 to workers - 1): a worker gathers before it computes
/// again. The first exception ends the work and is thrown on.
void for_shards(int64_t count, const std::function<void(int64_t shard, int64_t worker)>& compute,
                const std::function<void(int64_t shard, int64_t worker)>& gather);

/// How many workers for_shards uses for `count` shards.
int64_t shard_workers(int64_t count);

}  // namespace iclora::train
