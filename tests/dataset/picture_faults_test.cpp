// Pictures that cannot be read, are too small, or stand there twice.

#include "core/file.h"
#include "image/read.h"
#include "image/resize.h"
#include "seeded_fault.h"

namespace iclora::dataset {
namespace {

DataOptions with_panel(int64_t width, int64_t height) {
  DataOptions data;
  data.panel = panels::Size{width, height};
  return data;
}

void damage(const fs::path& path, size_t keep) {
  const std::string bytes = read_file(path, 1 << 24);
  write_file(path, bytes.substr(0, std::min(keep, bytes.size())));
}

std::vector<Seed> pictures() {
  const fs::path fixtures = ICLORA_FIXTURES "/pictures";
  return {
      {"no picture", folders_then([](auto& r) { put_text(r / "set-2/2.png", "<html>"); }),
       "set-2/2.png", Level::error, "not a picture that can be read"},
      {"empty file", folders_then([](auto& r) { put_text(r / "set-2/2.png", ""); }), "set-2/2.png",
       Level::error, "is empty"},
      {"cut PNG", folders_then([](auto& r) { damage(r / "set-2/2.png", 3000); }), "set-2/2.png",
       Level::error, "set-2/2.png"},
      {"cut JPEG", folders_then([=](auto& r) {
         fs::remove(r / "set-2/2.png");
         const std::string bytes = read_file(fixtures / "subsampled.jpg", 1 << 20);
         write_file(r / "set-2/2.jpg", bytes.substr(0, bytes.size() * 2 / 3));
       }),
       "set-2/2.jpg", Level::error, "set-2/2.jpg"},
      {"damaged pixels", folders_then([](auto& r) {
         std::string bytes = read_file(r / "set-2/2.png", 1 << 24);
         for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 40; ++i) bytes[i] ^= 0x55;
         write_file(r / "set-2/2.png", bytes);
       }),
       "set-2/2.png", Level::error, "set-2/2.png"},
      {"foreign format",
       folders_then([](auto& r) { fs::rename(r / "set-2/2.png", r / "set-2/2.tiff"); }),
       "set-2/2.tiff", Level::error, "'.tiff' are not read"},
      {"gap in the numbers", folders_then([](auto& r) { fs::remove(r / "set-2/2.png"); }), "set-2",
       Level::error, "Panel 2 is missing"},
      {"numbers from zero", folders_then([](auto& r) { put_photo(r / "set-2/0.png", 96, 64, 99); }),
       "set-2", Level::error, "'0.png'"},
      {"a number twice", folders_then([](auto& r) { put_photo(r / "set-2/02.png", 96, 64, 99); }),
       "set-2/2.png", Level::error, "Panel 2 stands twice"},
      {"name without number",
       folders_then([](auto& r) { put_photo(r / "set-2/cover.png", 96, 64, 99); }),
       "set-2/cover.png", Level::warning, "its name is no number"},
      {"too small for a token",
       folders_then([](auto& r) { put_photo(r / "set-2/2.png", 12, 8, 9); }), "set-2", Level::error,
       "smaller than the least"},
      {"much smaller than others",
       folders_then([](auto& r) { put_photo(r / "set-2/2.png", 36, 24, 9); }), "set-2/2.png",
       Level::warning, "too small: 36x24"},
      {"smaller than the stated panel",
       folders_then([](auto& r) { put_photo(r / "set-2/2.png", 72, 48, 9); }), "set-2/2.png",
       Level::warning, "too small: its 72x48 pixels are enlarged 1.33 times", with_panel(96, 64)},
      {"another shape", folders_then([](auto& r) { put_photo(r / "set-2/2.png", 64, 128, 9); }),
       "set-2/2.png", Level::warning, "62 % of panel 2 is cut off"},
      {"single colour",
       folders_then([](auto& r) { image::write_png(r / "set-2/2.png", image::Image(96, 64)); }),
       "set-2/2.png", Level::warning, "shows a single colour"},
      {"larger than can be read", folders_then([](auto& r) {
         std::string bytes = read_file(r / "set-2/2.png", 1 << 24);
         bytes.replace(16, 4, std::string("\x7F\xFF\xFF\xFF", 4));
         write_file(r / "set-2/2.png", bytes);
       }),
       "set-2/2.png", Level::error, "set-2/2.png"},
  };
}

std::vector<Seed> copies() {
  return {
      {"panel twice in a set", folders_then([](auto& r) {
         fs::copy_file(r / "set-2/1.png", r / "set-2/3.png", fs::copy_options::overwrite_existing);
       }),
       "set-2/3.png", Level::error, "the same picture as panel 1"},
      {"panel twice, saved anew", folders_then([](auto& r) {
         image::write_png(r / "set-2/3.png", image::read_image(r / "set-2/1.png"),
                          {{"Comment", "x"}});
       }),
       "set-2/3.png", Level::error, "the same picture as panel 1"},
      {"panel nearly twice", folders_then([](auto& r) {
         image::write_png(r / "set-2/3.png",
                          image::resize(image::read_image(r / "set-2/1.png"), 150, 100));
       }),
       "set-2/3.png", Level::warning, "nearly the same picture as panel 1"},
      {"panel nearly twice, half as large", folders_then([](auto& r) {
         image::Image picture = image::read_image(r / "set-2/1.png");
         const Random random(7, Stream::augmentation);
         for (size_t i = 0; i < picture.rgb.size(); ++i) {
           const double value = picture.rgb[i] + 12 * random.normal(i);
           picture.rgb[i] = static_cast<uint8_t>(std::clamp(value, 0.0, 255.0));
         }
         image::write_png(r / "set-2/1.png", picture);
         image::write_png(r / "set-2/3.png", image::resize(picture, 48, 32));
       }),
       "set-2/3.png", Level::warning, "nearly the same picture as panel 1"},
      {"set copied", folders_then([](auto& r) {
         fs::copy(r / "set-2", r / "set-5");
         put_text(r / "set-5/caption.txt", "[FILM] y [SCENE-1] a [SCENE-2] b [SCENE-3] c");
       }),
       "set-5", Level::error, "the same pictures as set 'set-2'"},
      {"set nearly copied", folders_then([](auto& r) {
         fs::create_directory(r / "set-5");
         for (const char* name : {"1.png", "2.png", "3.png"}) {
           // Brighter, a little cropped, smaller.
           image::Image picture = image::read_image(r / "set-2" / name);
           for (uint8_t& value : picture.rgb)
             value = static_cast<uint8_t>(std::min(255, value + 9));
           picture = image::resize(image::crop(picture, 1, 0, 95, 64), 81, 54);
           image::write_png(r / "set-5" / name, picture);
         }
         put_text(r / "set-5/caption.txt", "[FILM] y [SCENE-1] a [SCENE-2] b [SCENE-3] c");
       }),
       "set-5", Level::warning, "nearly the same pictures as set 'set-2'"},
      {"picture in two sets", folders_then([](auto& r) {
         fs::copy_file(r / "set-1/1.png", r / "set-3/2.png", fs::copy_options::overwrite_existing);
       }),
       "set-3/2.png", Level::warning, "the same picture as panel 1 of set 'set-1'"},
      {"canvas copied", canvases_then([](auto& r) {
         fs::copy_file(r / "shot-1.png", r / "shot-9.png");
         put_text(r / "shot-9.txt", "[FILM] y [SCENE-1] a [SCENE-2] b [SCENE-3] c");
       }),
       "shot-9.png", Level::error, "the same pictures as set 'shot-1'"},
  };
}

INSTANTIATE_TEST_SUITE_P(Pictures, SeededFault, testing::ValuesIn(pictures()), test_name);
INSTANTIATE_TEST_SUITE_P(Copies, SeededFault, testing::ValuesIn(copies()), test_name);

}  // namespace
}  // namespace iclora::dataset
