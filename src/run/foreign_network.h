#pragma once
// What a foreign configuration trains: of which model, and which of its layers.

#include "run/foreign_draft.h"

namespace iclora::run {

/// Errors (exit 2) for another kind of process, training or model.
void refuse_other_kinds(ForeignDraft& draft);

/// The network section as `lora`; every weight where there is none. Error (exit 2) for another kind
/// of network.
void translate_network(ForeignDraft& draft);

}  // namespace iclora::run
