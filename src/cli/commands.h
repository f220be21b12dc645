#pragma once
// The commands, one file each.

#include "cli/usage.h"

namespace iclora::cli {

void add_bench(CLI::App& app, Context& context);
void add_convert(CLI::App& app, Context& context);
void add_dataset(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_eval(CLI::App& app, Context& context);
void add_generate(CLI::App& app, Context& context);
void add_init(CLI::App& app, Context& context);
void add_inspect(CLI::App& app, Context& context);
void add_pretrain(CLI::App& app, Context& context);
void add_split(CLI::App& app, Context& context);
void add_train(CLI::App& app, Context& context);

}  // namespace iclora::cli
