#pragma once
// The text encoders' training: what a caption tells of a panel, and where on the canvas the panel
// lies, must be readable from the T5 state of every single token of the panel's part, and what it
// tells of all panels from CLIP's pooled vector. An image token that looks at any token of its
// part has then found all that it needs.

#include <filesystem>

#include "core/progress.h"
#include "pretrain/samples.h"
#include "text/clip.h"
#include "text/t5.h"
#include "train/trained_tensors.h"

namespace iclora::pretrain {

/// Panels that the pooled vector is asked about; sets of more are not.
inline constexpr int64_t kPooledPanels = 4;
/// Classes of the row, and of the column, that a token's panel has in the grid; the last one is
/// for the tokens behind the last part: the end and the padding.
inline constexpr int64_t kPlaces = 10;

/// The encoders, and linear heads that only their training needs.
struct TextEncoders {
  text::T5Encoder t5;
  text::ClipEncoder clip;
  at::Tensor t5_head;    ///< [classes + 2 * kPlaces, d_model]
  at::Tensor clip_head;  ///< [kPooledPanels * classes, hidden_size]
};

TextEncoders load_text_encoders(const std::filesystem::path& t5_folder,
                                const text::T5Config& t5_config,
                                const std::filesystem::path& clip_folder,
                                const text::ClipConfig& clip_config, const Classes& classes,
                                at::ScalarType dtype);

/// What draw_samples needs to know of the tokenizers.
SampleSettings sample_settings(const tokenizers::T5Tokenizer& t5,
                               const tokenizers::ClipTokenizer& clip);

using SaveFunction =
    std::function<void(const train::TrainedTensors&, const std::vector<at::Tensor>& values)>;

/// Trains to the end of the recipe, or goes on to it; then the averages are in the layers. Names
/// of T5's tensors begin with "t5:", of CLIP's with "clip:", of the heads with "head:".
void train_text_encoders(TextEncoders& encoders, const StageRecipe& recipe, uint64_t seed,
                         const tokenizers::T5Tokenizer& t5, const tokenizers::ClipTokenizer& clip,
                         const std::filesystem::path& folder, const SaveFunction& save,
                         Progress& progress);

}  // namespace iclora::pretrain
