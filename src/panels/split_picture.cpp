#include "panels/split_picture.h"

#include "core/error.h"
#include "core/file.h"
#include "image/png_chunks.h"
#include "image/read.h"

namespace iclora::panels {

image::Texts panel_texts(const image::Texts& texts, const Layout& layout, size_t number) {
  image::Texts out;
  for (const auto& [keyword, text] : texts) {
    if (keyword != "iclora") {
      out.emplace_back(keyword, text);
      continue;
    }
    Json request = parse_json(text, "the picture's 'iclora' text");
    const Box& box = layout.boxes[number - 1];
    request["panel"] = {{"number", number}, {"box", {box.x, box.y, box.width, box.height}}};
    out.emplace_back(keyword, request.dump());
  }
  return out;
}

std::vector<std::filesystem::path> split_picture(const std::filesystem::path& picture,
                                                 const std::optional<Grid>& grid,
                                                 const std::filesystem::path& out) {
  const std::string origin = "'" + printable(picture.native(), 400) + "'";
  const image::Image canvas = image::read_image(picture);
  const image::TextChunks found = image::read_texts(picture);
  const image::Texts texts(found.begin(), found.end());
  Layout layout;
  if (grid) {
    layout = cut_layout(*grid, canvas.width, canvas.height);
  } else {
    const auto text = found.find("iclora");
    if (text == found.end()) {
      fail_input("{} does not say how it is laid out; give --grid ROWSxCOLUMNS.", origin);
    }
    const Json request = parse_json(text->second, origin + ": iclora");
    const auto stated = request.is_object() ? request.find("layout") : request.end();
    if (!request.is_object() || stated == request.end() || request.contains("panel")) {
      fail_input("{} is no canvas (a panel, or its 'iclora' text has no layout); give --grid.",
                 origin);
    }
    layout = layout_from_json(*stated, origin + ": iclora");
    if (layout.width != canvas.width || layout.height != canvas.height) {
      fail_input(
          "{} has {}x{} pixels, but its own layout is for {}x{}; it was resized, give --grid.",
          origin, canvas.width, canvas.height, layout.width, layout.height);
    }
  }
  const std::vector<image::Image> parts = split(canvas, layout);
  create_folders(out);
  std::vector<std::filesystem::path> paths;
  for (size_t i = 0; i < parts.size(); ++i) {
    paths.push_back(out / fmt::format("{}.png", i + 1));
    image::write_png(paths.back(), parts[i], panel_texts(texts, layout, i + 1));
  }
  return paths;
}

}  // namespace iclora::panels
