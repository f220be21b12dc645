#include "cli/library.h"

#include <dlfcn.h>

#include <cmath>

#include "cli/build_id.h"
#include "cli/library/call.h"
#include "cli/signals.h"
#include "cli/torch_folder.h"
#include "core/error.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

void* load(const fs::path& path, const std::string& remedy) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    fail_input("'{}' cannot be loaded: {}; {}", path.native(), printable(::dlerror(), 400), remedy);
  }
  return handle;
}

template <typename Function>
Function* symbol(void* library, const char* name, const fs::path& path) {
  void* address = ::dlsym(library, name);
  if (address == nullptr) {
    fail_input("'{}' is not the library of this program: it has no {}; install both again",
               path.native(), name);
  }
  return reinterpret_cast<Function*>(address);
}

decltype(iclora_call)* load_library() {
  const fs::path program = program_path();
  const TorchSearch search = find_torch(program);
  if (!search.found) fail_input("{}", search.problem);
  // libiclora.so names both without a path; the loader takes those that are loaded already.
  const std::string torch_remedy = "that libtorch is damaged or incomplete; set it up again";
  for (const char* name : {"libc10.so", "libtorch_cpu.so"}) {
    load(search.found->folder / "lib" / name, torch_remedy);
  }
  const fs::path path = program.parent_path().parent_path() / "lib/libiclora.so";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    fail_input("'{}' is missing: it belongs to this program; build or install it again",
               path.native());
  }
  void* library = load(path, "build or install it again");
  const std::string build = symbol<decltype(iclora_build_id)>(library, "iclora_build_id", path)();
  if (build != build_id()) {
    fail_input("'{}' is of build {}, but the program is of build {}; build or install both again",
               path.native(), printable(build), build_id());
  }
  return symbol<decltype(iclora_call)>(library, "iclora_call", path);
}

/// What the callbacks of one call fill.
struct Call {
  Terminal& terminal;
  std::string result;
  std::string error;
};

Call& of(void* user) {
  return *static_cast<Call*>(user);
}

}  // namespace

fs::path program_path() {
  std::error_code error;
  fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) fail(ErrorKind::internal, "/proc/self/exe cannot be read: {}", error.message());
  return path;
}

fs::path http_helper_path() {
  return program_path().parent_path().parent_path() / "libexec/iclora-http";
}

std::vector<fs::path> model_search() {
  const fs::path root = program_path().parent_path().parent_path();
  return {root / "share/iclora/models", cache_folder() / "models"};
}

Json call_library(const std::string& verb, const Json& request, Terminal& terminal) {
  static auto* const function = load_library();
  Call call{terminal, "", ""};
  iclora_call_context context = {};
  context.size = sizeof(context);
  context.cancelled = &watch_signals();
  context.user = &call;
  context.progress = [](void* user, const char* phase, int64_t step, int64_t total, double loss) {
    of(user).terminal.progress(phase, step, total,
                               std::isnan(loss) ? std::nullopt : std::optional(loss));
  };
  context.message = [](void* user, int warning, const char* text) {
    of(user).terminal.message(warning != 0, text);
  };
  context.result = [](void* user, const char* text) { of(user).result = text; };
  context.error = [](void* user, const char* text) { of(user).error = text; };
  const std::string text = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  const int code = function(verb.c_str(), text.c_str(), &context);
  if (code != 0) throw Error(static_cast<ErrorKind>(code), call.error);
  return parse_json(call.result, "the library's answer");
}

}  // namespace iclora::cli
