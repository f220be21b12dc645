#include "eval/adapter_captions.h"

#include "lora/stated.h"

namespace iclora::eval {

dataset::DataOptions caption_options(const lora::AdapterFile& adapter) {
  dataset::DataOptions options;
  options.trigger = lora::stated(adapter, "trigger").value_or("");
  if (const auto dialect = lora::stated(adapter, "dialect")) {
    options.dialect = captions::dialect_from_name(*dialect);
  }
  return options;
}

}  // namespace iclora::eval
