// The model that comes with the program.

#include <gtest/gtest.h>

#include "core/json.h"
#include "image/read.h"
#include "program.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::run_program;
using testing_support::ScratchFolder;

TEST(FluxMini, DrawsWithoutAModelBeingNamed) {
  const ScratchFolder scratch;
  const fs::path out = scratch / "fox.png";
  const auto run = run_program({"generate", "--prompt", "a flat fox on the beach", "--seed", "1",
                                "--out", out.native(), "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const image::Image picture = image::read_image(out);
  EXPECT_EQ(picture.width, 64);
  EXPECT_EQ(picture.height, 64);
  const auto inspected = run_program({"inspect", out.native(), "--json"});
  ASSERT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_NE(inspected.out.find("\"model\":\"flux-mini\""), std::string::npos) << inspected.out;
}

/// Weights that were trained, not only files of the right shape: of the first captions, none of
/// whose combinations were in training, most must be read right. Far below what the card states,
/// since these are few.
TEST(FluxMini, DrawsWhatCaptionsSay) {
  const ScratchFolder scratch;
  const std::string captions = ICLORA_FIXTURES "/eval/held-out.jsonl";
  const auto run = run_program({"eval", "--model", "flux-mini", "--captions", captions, "--out",
                                (scratch / "measured").native(), "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json columns = parse_json(run.out, "report").at("grids").at("1x1").at("columns");
  EXPECT_GE(columns.at("subject").at("share").get<double>(), 0.5) << columns;
  EXPECT_GE(columns.at("style").at("share").get<double>(), 0.8) << columns;
  EXPECT_GE(columns.at("background").at("share").get<double>(), 0.9) << columns;
}

}  // namespace
}  // namespace iclora
