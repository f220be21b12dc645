#include "eval/loss_curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/json.h"
#include "dataset/sheet_text.h"
#include "image/place.h"
#include "run/metrics.h"

namespace iclora::eval {
namespace {

constexpr image::Rgb kLine = {217, 217, 212};
constexpr image::Rgb kSoft = {110, 110, 118};
constexpr image::Rgb kMark = {31, 95, 209};

/// Where the points lie in a box of `width` x `height`, the ends of the axes at its edges.
struct Axes {
  explicit Axes(const std::vector<LossPoint>& points)
      : first(points.front().step), last(std::max(points.back().step, first + 1)) {
    for (const LossPoint& point : points) {
      low = std::min(low, point.loss);
      high = std::max(high, point.loss);
    }
    if (!(high > low)) high = low + 1;
  }
  double x(int64_t step, double width) const {
    return width * static_cast<double>(step - first) / static_cast<double>(last - first);
  }
  double y(double loss, double height) const { return height * (high - loss) / (high - low); }

  int64_t first, last;
  double low = 1e300, high = -1e300;
};

}  // namespace

std::vector<LossPoint> read_losses(const std::filesystem::path& metrics) {
  std::vector<LossPoint> steps;
  for (const Json& line : run::read_step_log(metrics)) {
    const auto loss = line.find("loss");
    if (loss == line.end() || !loss->is_number() || line.value("skipped", false)) continue;
    steps.push_back({line.value("step", int64_t{0}), loss->get<double>()});
  }
  const size_t reach = steps.size() / 30;
  std::vector<double> sums = {0};  // of the steps before: a window is a difference of two
  for (const LossPoint& one : steps) sums.push_back(sums.back() + one.loss);
  std::vector<LossPoint> out;
  for (size_t i = 0; i < steps.size(); ++i) {
    const size_t begin = i - std::min(i, reach);
    const size_t end = std::min(steps.size(), i + reach + 1);
    out.push_back({steps[i].step, (sums[end] - sums[begin]) / static_cast<double>(end - begin)});
  }
  return out;
}

std::string loss_svg(const std::vector<LossPoint>& points) {
  constexpr int kLeft = 60, kWidth = 760, kHeight = 180, kFoot = 26;
  const Axes axes(points);
  std::string line;
  for (const LossPoint& point : points) {
    line += fmt::format("{}{:.1f},{:.1f}", line.empty() ? "" : " ",
                        kLeft + axes.x(point.step, kWidth - kLeft - 10),
                        8 + axes.y(point.loss, kHeight - 16));
  }
  std::string out = fmt::format(
      "<div class=wide><svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" role=\"img\" aria-label=\"loss "
      "by step\">\n",
      kWidth, kHeight + kFoot);
  for (const double loss : {axes.low, axes.high}) {
    const double y = 8 + axes.y(loss, kHeight - 16);
    out += fmt::format(
        "<line class=axis x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text class=tick "
        "x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.3f}</text>\n",
        kLeft, kWidth - 10, y, kLeft - 6, y + 4, loss);
  }
  for (const int64_t step : {axes.first, axes.last}) {
    out += fmt::format("<text class=tick x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">step {}</text>\n",
                       kLeft + axes.x(step, kWidth - kLeft - 10), kHeight + kFoot - 8,
                       step == axes.first ? "start" : "end", step);
  }
  return out + fmt::format("<polyline class=bar fill=\"none\" points=\"{}\"/></svg></div>\n", line);
}

image::Image loss_picture(const std::vector<LossPoint>& points, int64_t width, int64_t height) {
  image::Image page = image::filled(width, height, dataset::kPaper);
  const auto dot = [&](int64_t x, int64_t y, const image::Rgb& colour) {
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    uint8_t* pixel = page.row(y) + 3 * x;
    pixel[0] = colour.r;
    pixel[1] = colour.g;
    pixel[2] = colour.b;
  };
  dataset::TextPen pen(13);
  const int64_t left = 64;
  const int64_t foot = pen.line_height() + 6;
  const Axes axes(points);
  const auto wide = static_cast<double>(width - left - 2);
  const auto tall = static_cast<double>(height - foot - pen.line_height());
  const int64_t top = pen.line_height() / 2;
  for (const double loss : {axes.low, axes.high}) {
    const int64_t y = top + std::lround(axes.y(loss, tall));
    for (int64_t x = left; x < width; ++x) dot(x, y, kLine);
    pen.draw(page, 0, y - pen.line_height() / 2, fmt::format("{:.3f}", loss), kSoft);
  }
  pen.draw(page, left, height - foot + 2,
           fmt::format("loss, steps {} to {}", axes.first, axes.last), kSoft);
  // Two pixels thick, column by column, joined upright.
  int64_t before = -1;
  size_t next = 0;
  for (int64_t x = 0; x <= static_cast<int64_t>(wide); ++x) {
    while (next + 1 < points.size() && axes.x(points[next].step, wide) < static_cast<double>(x)) {
      ++next;
    }
    const LossPoint& right = points[next];
    const LossPoint& left_of = points[next > 0 ? next - 1 : 0];
    const double span = axes.x(right.step, wide) - axes.x(left_of.step, wide);
    const double part =
        span > 0 ? (static_cast<double>(x) - axes.x(left_of.step, wide)) / span : 1.0;
    const double loss = left_of.loss + std::clamp(part, 0.0, 1.0) * (right.loss - left_of.loss);
    const int64_t y = top + std::lround(axes.y(loss, tall));
    const int64_t begin = before < 0 ? y : std::min(before, y);
    const int64_t end = before < 0 ? y : std::max(before, y);
    for (int64_t k = begin; k <= end + 1; ++k) dot(left + x, k, kMark);
    before = y;
  }
  return page;
}

}  // namespace iclora::eval
