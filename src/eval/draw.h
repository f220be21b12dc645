#pragma once
// Many captions through one model: every part is loaded once, canvases of one size go through the
// transformer several at a time.

#include <cstdint>
#include <string>
#include <vector>

#include "core/progress.h"
#include "image/image.h"
#include "lora/adapter_file.h"
#include "panels/layout.h"
#include "sampling/given.h"
#include "sampling/given_pictures.h"
#include "sampling/method.h"
#include "sampling/model.h"
#include "sampling/paste.h"

namespace iclora::eval {

/// An adapter on top of the model.
struct DrawAdapter {
  const lora::AdapterFile* file = nullptr;
  double strength = 1.0;
  bool allow_unmatched = false;
};

struct DrawSettings {
  int64_t steps = 20;
  double guidance = 3.5;  ///< embedded
  double cfg = 1.0;       ///< true classifier-free guidance against the empty caption; 1: off
  int64_t text_length = 0;
  int64_t batch = 8;  ///< canvases at once
  std::string dtype;  ///< "fp32" | "bf16"
  sampling::Method method = sampling::Method::canvas;
  std::vector<DrawAdapter> adapters;

  // Of tasks with given panels.
  sampling::GivenMethod condition = sampling::GivenMethod::replace;
  bool given_at_zero = false;                         ///< of clean
  flux::GivenSees given_sees = flux::GivenSees::all;  ///< of clean at zero
  double strength = 1.0;                              ///< of sdedit
  double given_attention = 1.0;                       ///< how much more they are looked at
};

struct DrawTask {
  std::string caption;  ///< the joint one; under gdt its parts are the panels'
  panels::Layout layout;
  uint64_t seed = 0;
  std::vector<sampling::GivenPanel> given = {};  ///< of their panels' sizes, ascending
};

struct DrawnCanvas {
  image::Image picture;  ///< given panels pasted
  std::vector<sampling::GivenResult> given;
};

/// One canvas a task, in their order. With batch 1 each is what `generate` makes of this caption,
/// seed and given panels; in larger batches sums are rounded in another order.
std::vector<DrawnCanvas> draw_tasks(const sampling::OpenModel& model,
                                    const std::vector<DrawTask>& tasks,
                                    const DrawSettings& settings, Progress& progress);
/// Their pictures alone.
std::vector<image::Image> draw_canvases(const sampling::OpenModel& model,
                                        const std::vector<DrawTask>& tasks,
                                        const DrawSettings& settings, Progress& progress);

/// The same pictures encoded and decoded: what the model's autoencoder leaves of them is the best
/// that the model can draw. Widths and heights are multiples of 16.
std::vector<image::Image> rebuild_canvases(const sampling::OpenModel& model,
                                           const std::vector<image::Image>& canvases,
                                           Progress& progress);

}  // namespace iclora::eval
