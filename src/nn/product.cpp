#include "nn/product.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/cpu/Utils.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <utility>

#include "nn/pieces.h"
#include "nn/row_kernels.h"
#include "nn/rows.h"

namespace iclora::nn {
namespace {

// A piece is so many columns and, of many rows, so many; few rows are cut finer, for all threads to
// have some. A piece's factors are widened as it is taken: 512 rows make that a twentieth of the
// work at FLUX.1's widths. The summed dimension is cut for the widened copies to stay in the cache.
constexpr int64_t kColumnsAPiece = 768;
constexpr int64_t kDepth = 4096;

// At most so many rows are taken as dot products with the weight's rows as they are: to widen a
// weight for a single row (a modulation's) costs more than the product.
constexpr int64_t kFewRows = 4;

// Below this in any dimension, a call of the bf16 library costs more than the product.
constexpr int64_t kNarrow = 64;

int64_t rows_a_piece(int64_t rows) {
  const int64_t most = rows <= 256 ? 128 : rows <= 1024 ? 256 : 512;
  const int64_t pieces = (rows + most - 1) / most;
  return ((rows + pieces - 1) / pieces + 15) / 16 * 16;  // equal shares
}

/// Memory for what a piece widens. Taken anew from malloc it would not be in the cache: a step of
/// training took an eighth longer.
class Scratch {
 public:
  /// fp32 [rows, columns], contiguous; holds until the same place is asked for again.
  at::Tensor get(size_t place, int64_t rows, int64_t columns) {
    at::Tensor& held = held_.at(place);
    const int64_t wanted = rows * columns;
    if (!held.defined() || held.numel() < wanted) held = at::empty({wanted}, at::kFloat);
    return held.narrow(0, 0, wanted).view({rows, columns});
  }

 private:
  std::array<at::Tensor, 3> held_;
};

/// One for each thread that is at a piece, the one used last first. Not thread_local: the library
/// is loaded on demand, and the leak checker falls over such memory.
class ScratchPool {
 public:
  std::unique_ptr<Scratch> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Scratch>();
    std::unique_ptr<Scratch> scratch = std::move(idle_.back());
    idle_.pop_back();
    return scratch;
  }
  void put_back(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(scratch));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_;
};

ScratchPool& scratch_pool() {
  static ScratchPool pool;
  return pool;
}

/// `block` in fp32: itself, or widened into `scratch` with the same dimension contiguous.
at::Tensor widened(const at::Tensor& block, Scratch& scratch, size_t place) {
  if (block.scalar_type() == at::kFloat) return block;
  if (block.stride(1) != 1) return widened(block.t(), scratch, place).t();
  at::Tensor wide = scratch.get(place, block.size(0), block.size(1));
  kernel::widen_rows(in<uint16_t>(block), block.stride(0), block.size(0), block.size(1),
                     out<float>(wide));
  return wide;
}

/// A factor that pieces can be cut from: rows or columns contiguous, and not overlapping.
at::Tensor with_unit_stride(const at::Tensor& x) {
  const bool by_rows = x.stride(1) == 1 && x.stride(0) >= x.size(1);
  const bool by_columns = x.stride(0) == 1 && x.stride(1) >= x.size(0);
  return by_rows || by_columns ? x : x.contiguous();
}

bool is_weight_times_few_rows(const Product& product) {
  return product.left.size(0) <= kFewRows && product.right.stride(0) == 1;
}

/// sum += scale * left * right for the columns of `right` given; sum: fp32 [rows, columns].
void add_dots(const Product& product, const at::Tensor& right, at::Tensor& sum) {
  const at::Tensor rows = product.left.to(at::kFloat).contiguous();
  const int64_t depth = rows.size(1);
  const auto scale = static_cast<float>(product.scale);
  with_element(right, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    for (int64_t r = 0; r < rows.size(0); ++r) {
      kernel::add_dots(in<float>(rows) + r * depth, in<T>(right), right.stride(1), right.size(1),
                       depth, scale, out<float>(sum) + r * sum.stride(0));
    }
  });
}

/// What a piece is summed up from; `base` [M, N] and `bias` [N] (fp32) may be undefined.
struct Sum {
  std::vector<Product> products;
  at::Tensor base;
  at::Tensor bias;
};

/// The piece of the sum that starts at (row, column), written to `piece` [rows, columns].
void take_piece(const Sum& wanted, int64_t row, int64_t column, at::Tensor& piece,
                Scratch& scratch) {
  const int64_t rows = piece.size(0);
  const int64_t columns = piece.size(1);
  const bool in_place = piece.scalar_type() == at::kFloat;
  at::Tensor sum = in_place ? piece : scratch.get(2, rows, columns);
  bool empty = true;
  if (wanted.base.defined()) {
    sum.copy_(wanted.base.narrow(0, row, rows).narrow(1, column, columns));
    empty = false;
  }
  for (const Product& product : wanted.products) {
    const at::Tensor right = product.right.narrow(1, column, columns);
    if (is_weight_times_few_rows(product)) {
      if (empty) sum.zero_();
      add_dots(product, right, sum);
      empty = false;
      continue;
    }
    const at::Tensor left = product.left.narrow(0, row, rows);
    const int64_t depth = left.size(1);
    for (int64_t k = 0; k < depth; k += kDepth) {
      const int64_t share = std::min(kDepth, depth - k);
      at::addmm_out(sum, sum, widened(left.narrow(1, k, share), scratch, 0),
                    widened(right.narrow(0, k, share), scratch, 1), empty ? 0.0 : 1.0,
                    product.scale);
      empty = false;
    }
  }
  if (empty) sum.zero_();
  const float* offsets = wanted.bias.defined() ? in<float>(wanted.bias) + column : nullptr;
  if (!in_place) {
    kernel::round_rows(in<float>(sum), offsets, rows, columns, out<uint16_t>(piece),
                       piece.stride(0));
  } else if (offsets != nullptr) {
    sum.add_(wanted.bias.narrow(0, column, columns));
  }
}

/// As libtorch does it: a product after the other, rounded each.
at::Tensor sum_by_libtorch(const std::vector<Product>& products, const at::Tensor& bias,
                           at::ScalarType dtype) {
  at::Tensor sum;
  for (const Product& product : products) {
    const bool narrow =
        product.left.scalar_type() == at::kBFloat16 || product.right.scalar_type() == at::kBFloat16;
    const auto taken = narrow ? at::kBFloat16 : at::kFloat;
    const at::Tensor left = product.left.to(taken);
    const at::Tensor right = product.right.to(taken);
    at::Tensor y = !sum.defined() && bias.defined() && product.scale == 1.0
                       ? at::addmm(bias.to(taken), left, right)
                       : at::mm(left, right);
    if (product.scale != 1.0) y.mul_(product.scale);
    sum = sum.defined() ? sum.add_(y) : y;
  }
  return sum.to(dtype);
}

bool is_narrow(const Product& product) {
  return std::min({product.left.size(0), product.left.size(1), product.right.size(1)}) < kNarrow;
}

}  // namespace

bool has_fast_bf16_products() {
#if defined(__x86_64__)
  // Intel's processors without AMX multiply bf16 no faster than fp32, and oneDNN reorders a weight
  // at every call: on a Xeon without AMX fp32 was 1.7 to 2.4 times as fast
  // (benchmarks/products.md).
  static const bool fast = at::cpu::init_amx() || (__builtin_cpu_supports("avx512bf16") != 0 &&
                                                   __builtin_cpu_is("intel") == 0);
  return fast;
#else
  return true;
#endif
}

at::Tensor sum_of_products(const std::vector<Product>& products, const at::Tensor& bias,
                           at::ScalarType dtype, bool large_in_bf16) {
  const Product& first = products.front();
  if (!first.left.is_cpu()) return sum_by_libtorch(products, bias, dtype);
  const int64_t rows = first.left.size(0);
  const int64_t columns = first.right.size(1);

  Sum wanted = {products, {}, {}};
  if (first.left.scalar_type() == at::kBFloat16 && first.right.scalar_type() == at::kBFloat16 &&
      first.scale == 1.0 && large_in_bf16 && !is_narrow(first)) {
    wanted.base =
        bias.defined() ? at::addmm(bias, first.left, first.right) : at::mm(first.left, first.right);
    wanted.products.erase(wanted.products.begin());
    if (wanted.products.empty()) return wanted.base.to(dtype);
  } else if (bias.defined()) {
    wanted.bias = bias.to(at::kFloat).contiguous();
  }
  for (Product& product : wanted.products) {
    product.left = with_unit_stride(product.left);
    product.right = with_unit_stride(product.right);
  }

  at::Tensor result = at::empty({rows, columns}, first.left.options().dtype(dtype));
  if (result.numel() == 0) return result;
  const int64_t height = rows_a_piece(rows);
  const int64_t down = (rows + height - 1) / height;
  const int64_t across = (columns + kColumnsAPiece - 1) / kColumnsAPiece;
  for_pieces(down * across, [&](int64_t i) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;  // its views of views cost time
    const int64_t row = i / across * height;
    const int64_t column = i % across * kColumnsAPiece;
    at::Tensor piece = result.narrow(0, row, std::min(height, rows - row))
                           .narrow(1, column, std::min(kColumnsAPiece, columns - column));
    auto scratch = scratch_pool().take();
    take_piece(wanted, row, column, piece, *scratch);
    scratch_pool().put_back(std::move(scratch));
  });
  return result;
}

}  // namespace iclora::nn
