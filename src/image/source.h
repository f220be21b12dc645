#pragma once
// Between a format's decoder and the finished picture: what the file says of its colours, and the
// rows as they come out of the decoder.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "image/image.h"

namespace iclora::image {

enum class Channels { grey, rgb, cmyk };

/// What a PNG without profile may say of its colours (gAMA, cHRM).
struct Calibration {
  double gamma = 0;               ///< exponent of the file's encoding, sRGB about 1 / 2.2; 0: none
  std::array<double, 8> xy = {};  ///< white, red, green, blue; all 0: those of sRGB
};

/// Samples are interleaved, alpha last. CMYK is in Adobe's polarity: 255 is paper, 0 full ink.
struct Source {
  int64_t width = 0;
  int64_t height = 0;
  Channels channels = Channels::rgb;
  bool alpha = false;  ///< not with CMYK
  int depth = 8;       ///< 8 or 16 (of this processor's byte order)
  std::string icc;     ///< empty: none
  Calibration calibration;
  int orientation = 1;  ///< EXIF, 1 to 8

  size_t samples_per_pixel() const;
  size_t row_bytes() const;
};

/// Takes rows of a source and makes an 8-bit sRGB picture over a background of them, one row at a
/// time, so that a large picture is in memory once. Profiles that are damaged, or not for such
/// channels, are ignored, as browsers do.
class SrgbRows {
 public:
  SrgbRows(const Source& source, Rgb background);
  ~SrgbRows();
  SrgbRows(const SrgbRows&) = delete;
  SrgbRows& operator=(const SrgbRows&) = delete;

  /// The next row, from the top; source.row_bytes() bytes.
  void put(const void* row);
  /// The whole, turned upright, once all rows were put.
  Image take();

 private:
  struct Conversion;
  std::unique_ptr<Conversion> conversion_;
};

Image decode_png(std::string_view bytes, const std::string& origin, Rgb background);
Image decode_jpeg(std::string_view bytes, const std::string& origin, Rgb background);
Image decode_webp(std::string_view bytes, const std::string& origin, Rgb background);
Json describe_png(std::string_view bytes, const std::string& origin);
Json describe_jpeg(std::string_view bytes, const std::string& origin);
Json describe_webp(std::string_view bytes, const std::string& origin);

/// The description that stands in an ICC profile; empty where there is none or it is damaged.
std::string profile_name(std::string_view icc);

/// The orientation (1 to 8) that EXIF data states; 1 where it states none or is damaged. `tiff`
/// begins at the TIFF header ("II*\0" or "MM\0*").
int exif_orientation(std::string_view tiff);
/// Turned and mirrored so that it stands upright.
Image upright(Image picture, int orientation);

}  // namespace iclora::image
