#pragma once
// Trainings of the toy model on six sets of three small pictures.

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/hash.h"
#include "core/log.h"
#include "image/png_write.h"
#include "run/config.h"
#include "run/metrics.h"
#include "scratch.h"
#include "train/train.h"
#include "weights/checkpoint.h"

namespace iclora::train {

namespace fs = std::filesystem;
using testing_support::ScratchFolder;

class Training : public testing::Test {
 protected:
  Training() : threads_(at::get_num_threads()) {
    at::set_num_threads(1);
    for (int set = 0; set < 6; ++set) {
      const fs::path folder = scratch_ / "sets" / fmt::format("{}", set);
      fs::create_directories(folder);
      for (int panel = 1; panel <= 3; ++panel) {
        image::Image picture(36, 40);
        for (size_t i = 0; i < picture.rgb.size(); ++i) {
          picture.rgb[i] = static_cast<uint8_t>((i * 7 + static_cast<size_t>(set * 50)) / 9 +
                                                static_cast<size_t>(panel * 60));
        }
        image::write_png(folder / fmt::format("{}.png", panel), picture, {});
      }
      std::ofstream(folder / "caption.json")
          << R"({"overall": "set )" << set << R"(", "panels": ["left", "middle", "right"]})";
    }
  }

  ~Training() override { at::set_num_threads(threads_); }

  Json config_json(const std::string& out) const {
    return {{"name", "toy"},
            {"model", ICLORA_FIXTURES "/models/toy-dev"},
            {"data", {{"path", (scratch_.path() / "sets").native()}, {"validation", 1}}},
            {"lora", {{"rank", 2}, {"alpha", 4}}},
            {"train",
             {{"steps", 6},
              {"batch", 2},
              {"accumulate", 2},
              {"learning_rate", 1e-3},
              {"caption_dropout", 0.3},
              {"conditional", 0.5},
              {"schedule", "cosine"}}},
            {"sample",
             {{"every", 3},
              {"steps", 2},
              {"prompts", {"a set [SCENE-1] x [SCENE-2] y [SCENE-3] z", "one picture"}}}},
            {"save", {{"every", 2}, {"keep", 2}}},
            {"out", (scratch_.path() / out).native()}};
  }

  TrainOptions options() const {
    TrainOptions options;
    options.cache = scratch_.path() / "cache";
    return options;
  }

  TrainResult run(const Json& json, const TrainOptions& options, Progress& progress) const {
    const log::Writer quiet = [](bool, std::string_view) {};
    log::set_writer(quiet);
    struct Restore {
      ~Restore() { log::set_writer(nullptr); }
    } restore;
    return train(run::config_from_json(json, "test"), options, progress);
  }
  TrainResult run(const Json& json) const {
    NoProgress progress;
    return run(json, options(), progress);
  }

  /// Digests of what must be equal between two runs: values of the LoRA files, samples, logs
  /// without their times.
  std::map<std::string, std::string> outcome(const std::string& out) const {
    std::map<std::string, std::string> digests;
    for (const auto& entry : fs::recursive_directory_iterator(scratch_.path() / out)) {
      if (!entry.is_regular_file()) continue;
      const std::string name =
          entry.path().lexically_relative(scratch_.path() / out).generic_string();
      if (name.starts_with("lora/")) {
        Sha256 hash;
        const auto file = weights::Checkpoint::open(entry.path());
        for (const auto& [key, tensor] : file.tensors()) {
          hash.update(key);
          hash.update(tensor.bytes);
        }
        digests[name] = hash.hex();
      } else if (name.starts_with("samples/") || name == "validation.jsonl" ||
                 name.ends_with("state.safetensors")) {
        digests[name] = sha256_of_file(entry.path());
      } else if (name == "metrics.jsonl") {
        std::string text;
        for (Json line : run::read_step_log(entry.path())) {
          line.erase("seconds");
          text += line.dump() + "\n";
        }
        digests[name] = text;
      }
    }
    return digests;
  }

  const int threads_;
  ScratchFolder scratch_;
};

}  // namespace iclora::train
