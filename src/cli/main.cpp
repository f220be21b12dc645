#include <fmt/format.h>

#include <cstdio>

#include "cli/build_id.h"
#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/signals.h"

int main(int argc, char** argv) {
  using namespace iclora::cli;
  handle_signals();
  try {
    CLI::App app;
    Context context;
    prepare(app);
    app.set_version_flag("--version", fmt::format("iclora {}", build_id()), "Version and build");
    add_generate(app, context);
    add_train(app, context);
    add_eval(app, context);
    add_split(app, context);
    add_inspect(app, context);
    add_convert(app, context);
    add_dataset(app, context);
    add_bench(app, context);
    add_doctor(app, context);
    add_init(app, context);
    add_pretrain(app, context);
    if (parse_line(app, argc, argv) && context.run) context.run();
    return 0;
  } catch (...) {
    const Outcome outcome = current_outcome();
    fmt::print(stderr, "iclora: {}\n", outcome.message);
    return outcome.exit_code;
  }
}
