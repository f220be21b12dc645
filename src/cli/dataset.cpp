// iclora dataset: sets of pictures before they are trained on.

#include "cli/dataset.h"

#include "cli/commands.h"

namespace iclora::cli {

void add_dataset(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "dataset",
      "Makes, captions, checks and shows sets of pictures before they are trained on.",
      {{"iclora dataset build photos/ --out sets/", "from folders of pictures or glued canvases"},
       {"iclora dataset caption sets/ --endpoint http://127.0.0.1:8080/v1",
        "joint captions from a vision model"},
       {"iclora dataset check sets/", "every fault at once, each with its file and its remedy"},
       {"iclora dataset show sets/ --out sheet.png", "a contact sheet with captions"}});
  add_dataset_build(*command, context);
  add_dataset_caption(*command, context);
  add_dataset_check(*command, context);
  add_dataset_show(*command, context);
}

}  // namespace iclora::cli
