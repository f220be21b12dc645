#include "panels/split_picture.h"

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "core/file.h"
#include "core/made_folders.h"
#include "image/png_chunks.h"
#include "image/read.h"
#include "image/resize.h"

namespace iclora::panels {
namespace {

namespace fs = std::filesystem;

std::string quoted(const fs::path& path) {
  return "'" + printable(path.native(), 400) + "'";
}

image::Texts texts_of(std::string_view bytes, const std::string& origin) {
  if (!bytes.starts_with(image::kPngSignature)) return {};
  return image::png_text_list(image::png_chunks(bytes, origin), origin);
}

/// The picture's `iclora` as JSON; none when there is none or it is no JSON object.
std::optional<Json> request_of(const image::Texts& texts) {
  for (const auto& [keyword, text] : texts) {
    if (keyword != "iclora") continue;
    try {
      Json json = parse_json(text, "iclora");
      if (json.is_object()) return json;
    } catch (const Error&) {
      // Not ours to judge here; who needs it says so.
    }
    return std::nullopt;
  }
  return std::nullopt;
}

/// The layout that the picture itself states, for exactly its size. `remedy`: what errors advise.
Layout own_layout(const image::Image& canvas, const image::Texts& texts, const std::string& origin,
                  const char* remedy) {
  const auto has_text = std::any_of(texts.begin(), texts.end(),
                                    [](const auto& text) { return text.first == "iclora"; });
  if (!has_text) {
    fail_input("{} does not say how it is laid out; {}.", origin, remedy);
  }
  const std::optional<Json> request = request_of(texts);
  if (!request) {
    fail_input("{}: its 'iclora' text is no JSON object; {}.", origin, remedy);
  }
  if (request->contains("split")) {
    fail_input("{} is a panel that was cut out already; {}.", origin, remedy);
  }
  const auto stated = request->find("layout");
  if (stated == request->end()) {
    fail_input("{}: its 'iclora' text has no 'layout'; {}.", origin, remedy);
  }
  Layout layout = layout_from_json(*stated, origin + ": iclora");
  if (layout.width != canvas.width || layout.height != canvas.height) {
    fail_input("{} has {}x{} pixels, but its own layout is for {}x{}; it was resized; {}.", origin,
               canvas.width, canvas.height, layout.width, layout.height, remedy);
  }
  return layout;
}

}  // namespace

image::Texts panel_texts(const image::Texts& texts, const Layout& layout, size_t number) {
  const Box& box = layout.boxes.at(number - 1);
  image::Texts out = texts;
  std::optional<Json> request = request_of(texts);
  if (!request) return out;
  (*request)["split"] = {{"panel", number},
                         {"of", layout.boxes.size()},
                         {"box", {box.x, box.y, box.width, box.height}}};
  const auto own =
      std::find_if(out.begin(), out.end(), [](const auto& text) { return text.first == "iclora"; });
  own->second = request->dump();
  return out;
}

std::vector<fs::path> write_pictures(const fs::path& folder,
                                     const std::vector<NamedPicture>& pictures) {
  std::vector<fs::path> paths;
  for (const NamedPicture& picture : pictures) {
    paths.push_back(folder / picture.name);
    std::error_code ignored;
    if (fs::is_directory(paths.back(), ignored)) {
      fail(ErrorKind::output, "{} cannot be written: it is a folder.", quoted(paths.back()));
    }
  }
  MadeFolders made(folder);
  std::vector<std::unique_ptr<AtomicFile>> files;
  for (size_t i = 0; i < pictures.size(); ++i) {
    files.push_back(std::make_unique<AtomicFile>(paths[i]));
    files.back()->write(image::encode_png(pictures[i].picture, pictures[i].texts));
    files.back()->finish();
  }
  for (const auto& file : files) file->commit();
  made.keep();
  return paths;
}

std::vector<fs::path> split_picture(const fs::path& picture, const std::optional<Grid>& grid,
                                    const fs::path& out) {
  const std::string origin = quoted(picture);
  const std::string bytes = read_file(picture, image::kMaximumFileBytes);
  const image::Image canvas = image::decode_image(bytes, origin);
  const image::Texts texts = texts_of(bytes, origin);
  const Layout layout = grid ? cut_layout(*grid, canvas.width, canvas.height)
                             : own_layout(canvas, texts, origin, "give --grid ROWSxCOLUMNS");
  std::vector<image::Image> parts = split(canvas, layout);
  std::vector<NamedPicture> pictures;
  for (size_t i = 0; i < parts.size(); ++i) {
    pictures.push_back(
        {fmt::format("{}.png", i + 1), std::move(parts[i]), panel_texts(texts, layout, i + 1)});
  }
  std::error_code ignored;
  for (const NamedPicture& part : pictures) {
    if (fs::equivalent(out / part.name, picture, ignored)) {
      fail_input("{} would be replaced by one of its own panels; choose another --out.", origin);
    }
  }
  return write_pictures(out, pictures);
}

image::Image cut_panel(std::string_view bytes, int64_t number, const std::string& origin) {
  const image::Image canvas = image::decode_image(bytes, origin);
  const Layout layout = own_layout(canvas, texts_of(bytes, origin), origin,
                                   "give the panel's own picture instead of one of the canvas");
  if (number < 1 || number > static_cast<int64_t>(layout.boxes.size())) {
    fail_input("{} has no panel {}; it has {}.", origin, number, layout.boxes.size());
  }
  const Box& box = layout.boxes[static_cast<size_t>(number - 1)];
  return image::crop(canvas, box.x, box.y, box.width, box.height);
}

Json inspect_picture(const fs::path& picture) {
  const std::string origin = quoted(picture);
  const std::string bytes = read_file(picture, image::kMaximumFileBytes);
  Json json = image::describe_image(bytes, origin);
  json["bytes"] = bytes.size();
  const image::Texts texts = texts_of(bytes, origin);
  Json found = Json::object();
  for (const auto& [keyword, text] : texts) {
    if (!found.contains(keyword)) found[keyword] = text;
  }
  if (const std::optional<Json> request = request_of(texts)) {
    json["iclora"] = *request;
    found.erase("iclora");
  } else if (found.contains("iclora")) {
    json["iclora"] = found["iclora"];
    found.erase("iclora");
  }
  json["texts"] = found;
  return json;
}

}  // namespace iclora::panels
