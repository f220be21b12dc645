#include "eval/score.h"

#include <algorithm>
#include <optional>

#include "eval/estimate.h"

namespace iclora::eval {
namespace {

std::optional<int64_t> expected_of(const Expected& panel, size_t column) {
  for (const auto& [name, index] : panel) {
    if (name == column) return index;
  }
  return std::nullopt;
}

Json share_json(const Share& share) {
  return {{"right", share.right},
          {"of", share.of},
          {"share", rounded(share.share)},
          {"low", rounded(share.low)},
          {"high", rounded(share.high)}};
}

}  // namespace

ColumnScore score_column(const std::vector<ReadCanvas>& canvases, size_t column) {
  ColumnScore out;
  std::vector<Tally> tallies;
  for (const ReadCanvas& canvas : canvases) {
    Tally tally;
    const std::vector<Expected>& expected = canvas.caption->panels;
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto wanted = expected_of(expected[i], column);
      if (!wanted) continue;
      ++tally.of;
      const int64_t found = canvas.panels[i][column].index;
      if (found == *wanted) {
        ++tally.right;
      } else {
        out.from_other_panel +=
            std::any_of(expected.begin(), expected.end(),
                        [&](const Expected& other) { return expected_of(other, column) == found; });
      }
    }
    tallies.push_back(tally);
  }
  out.right = share_of(tallies);
  return out;
}

Share score_whole_panels(const std::vector<ReadCanvas>& canvases) {
  std::vector<Tally> tallies;
  for (const ReadCanvas& canvas : canvases) {
    Tally tally;
    for (size_t i = 0; i < canvas.panels.size(); ++i) {
      const Expected& expected = canvas.caption->panels[i];
      if (expected.empty()) continue;
      ++tally.of;
      tally.right += std::all_of(expected.begin(), expected.end(), [&](const auto& wanted) {
        return canvas.panels[i][wanted.first].index == wanted.second;
      });
    }
    tallies.push_back(tally);
  }
  return share_of(tallies);
}

Json score_json(const std::vector<ReadCanvas>& canvases, const Classifier& classifier) {
  int64_t panels = 0;
  for (const ReadCanvas& canvas : canvases) panels += static_cast<int64_t>(canvas.panels.size());
  Json columns = Json::object();
  for (size_t i = 0; i < classifier.columns.size(); ++i) {
    const ColumnScore score = score_column(canvases, i);
    if (score.right.of == 0) continue;
    Json json = share_json(score.right);
    json["from_other_panel"] = score.from_other_panel;
    columns[classifier.columns[i].name] = json;
  }
  return {{"canvases", canvases.size()},
          {"panels", panels},
          {"columns", columns},
          {"all", share_json(score_whole_panels(canvases))}};
}

}  // namespace iclora::eval
