#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <string_view>

#include "cli/build_id.h"
#include "cli/library/call.h"
#include "cli/library/verbs.h"
#include "cli/outcome.h"
#include "core/error.h"
#include "core/log.h"

namespace iclora::cli {
namespace {

const std::map<std::string_view, Verb>& verbs() {
  static const std::map<std::string_view, Verb> table = {
      {"bench", bench},
      {"eval", eval},
      {"generate", generate},
      {"init", init},
      {"runtime-info", runtime_info},
      {"pretrain", pretrain_model},
      {"train", train},
  };
  return table;
}

/// The caller's callbacks as the Progress that library code reports to.
class CallProgress final : public Progress {
 public:
  explicit CallProgress(const iclora_call_context& context) : context_(context) {}
  void report(const ProgressEvent& event) override {
    const double loss = event.loss.value_or(std::numeric_limits<double>::quiet_NaN());
    context_.progress(context_.user, std::string(event.phase).c_str(), event.step, event.total,
                      loss);
  }
  bool cancelled() const override { return context_.cancelled->load(); }

 private:
  const iclora_call_context& context_;
};

/// Sends the messages of library code through the caller for as long as it lives.
class Messages {
 public:
  explicit Messages(const iclora_call_context& context) {
    log::set_writer([&context](bool warning, std::string_view text) {
      context.message(context.user, warning ? 1 : 0, std::string(text).c_str());
    });
  }
  ~Messages() { log::set_writer(nullptr); }
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;
};

Json call(const char* verb, const char* request, const iclora_call_context& context) {
  if (context.size != sizeof(iclora_call_context)) {
    fail(ErrorKind::internal, "libiclora and the program are of different builds");
  }
  const auto found = verbs().find(verb);
  if (found == verbs().end()) {
    fail(ErrorKind::internal, "libiclora does not know the verb '{}'", printable(verb));
  }
  const Messages messages(context);
  CallProgress progress(context);
  return found->second(parse_json(request, "the request"), progress);
}

}  // namespace
}  // namespace iclora::cli

int iclora_call(const char* verb, const char* request_json, const iclora_call_context* context) {
  using namespace iclora;
  try {
    const Json result = cli::call(verb, request_json, *context);
    context->result(context->user,
                    result.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    return 0;
  } catch (...) {
    cli::Outcome outcome = cli::current_outcome();
    context->error(context->user, outcome.message.c_str());
    return outcome.exit_code;
  }
}

const char* iclora_build_id() {
  return iclora::cli::build_id().data();
}
