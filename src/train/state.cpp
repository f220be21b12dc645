#include "train/state.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "runtime/file_weights.h"
#include "weights/safetensors_writer.h"

namespace iclora::train {
namespace {

constexpr int kVersion = 1;
constexpr const char* kTensors = "state.safetensors";
constexpr const char* kNumbers = "state.json";

/// One kind of tensor for all trained ones.
struct Column {
  const char* prefix;
  const std::vector<at::Tensor>* tensors;
};

std::vector<Column> columns(const State& state) {
  std::vector<Column> out = {{"master.", &state.masters},
                             {"mean.", &state.optimizer.mean},
                             {"square.", &state.optimizer.square}};
  if (!state.averages.empty()) out.push_back({"ema.", &state.averages});
  return out;
}

}  // namespace

State initial_state(const TrainedTensors& trained, bool with_ema) {
  State state;
  state.masters = masters(trained);
  state.optimizer = adamw_state(state.masters);
  state.stop_policy = Json::object();
  if (with_ema) {
    for (const at::Tensor& master : state.masters) state.averages.push_back(master.clone());
  }
  return state;
}

const std::vector<at::Tensor>& result_values(const State& state) {
  return state.averages.empty() ? state.masters : state.averages;
}

uint64_t checkpoint_bytes(const State& state) {
  uint64_t bytes = 0;
  for (const Column& column : columns(state)) {
    // A tensor's name, shape and offsets take some 160 bytes of the header.
    for (const at::Tensor& tensor : *column.tensors) bytes += tensor.nbytes() + 160;
  }
  return bytes + 4096;
}

std::vector<run::CheckpointPart> checkpoint_parts(const State& state,
                                                  const TrainedTensors& trained) {
  const auto write_tensors = [&state, &trained](run::ByteSink& sink) {
    std::vector<weights::TensorHead> heads;
    for (const Column& column : columns(state)) {
      for (size_t i = 0; i < trained.size(); ++i) {
        heads.push_back({column.prefix + trained[i].name, weights::Dtype::f32,
                         (*column.tensors)[i].sizes().vec()});
      }
    }
    sink.write(weights::safetensors_header(heads).bytes);
    for (const Column& column : columns(state)) {
      for (const at::Tensor& tensor : *column.tensors) {
        sink.write({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
      }
    }
  };
  const auto write_numbers = [&state](run::ByteSink& sink) {
    const Json json = {{"version", kVersion},
                       {"step", state.step},
                       {"optimizer_steps", state.optimizer.steps},
                       {"rate_factor", state.rate_factor},
                       {"stop_policy", state.stop_policy}};
    sink.write(json.dump(1) + "\n");
  };
  return {{kTensors, checkpoint_bytes(state), write_tensors}, {kNumbers, 4096, write_numbers}};
}

void restore(const run::StoredCheckpoint& checkpoint, const TrainedTensors& trained, State& state) {
  const std::string origin = "'" + printable(checkpoint.folder.native(), 400) + "'";
  const Json json = read_json(checkpoint.path(kNumbers));
  if (json_integer(json, "version", origin, 0, 1 << 20) != kVersion) {
    fail_input("{} is of another version of iclora (expected {}).", origin, kVersion);
  }
  runtime::FileWeights source(weights::Checkpoint::open(checkpoint.path(kTensors)));
  for (const Column& column : columns(state)) {
    for (size_t i = 0; i < trained.size(); ++i) {
      const at::Tensor& tensor = (*column.tensors)[i];
      tensor.copy_(source.get(column.prefix + trained[i].name, tensor.sizes().vec(), at::kFloat));
    }
  }
  const size_t expected = columns(state).size() * trained.size();
  if (source.checkpoint().tensors().size() != expected) {
    fail_input("{} holds {} tensors, this configuration has {}; it belongs to another one.", origin,
               source.checkpoint().tensors().size(), expected);
  }
  state.step = json_integer(json, "step", origin, 0, INT64_MAX);
  state.optimizer.steps = json_integer(json, "optimizer_steps", origin, 0, INT64_MAX);
  state.rate_factor = json_number(json, "rate_factor", origin);
  state.stop_policy = json.value("stop_policy", Json::object());
}

}  // namespace iclora::train
