#pragma once
// What a format's decoder hands over before colours and orientation are settled.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "image/image.h"

namespace iclora::image {

enum class Channels { grey, rgb, cmyk };

/// 16 bits a sample keep what deep files hold until the profile was applied.
struct Decoded {
  int64_t width = 0;
  int64_t height = 0;
  Channels channels = Channels::rgb;
  std::vector<uint16_t> samples;  ///< interleaved, 0..65535; CMYK: 65535 = full ink
  std::vector<uint16_t> alpha;    ///< empty: opaque
  std::string icc;                ///< empty: sRGB (or plain grey, or uncalibrated CMYK)
  double gamma = 0;               ///< of a PNG without profile; 0: sRGB
  int orientation = 1;            ///< EXIF, 1 to 8
};

Decoded decode_png(std::string_view bytes, const std::string& origin);
Decoded decode_jpeg(std::string_view bytes, const std::string& origin);
Decoded decode_webp(std::string_view bytes, const std::string& origin);
Json describe_png(std::string_view bytes, const std::string& origin);
Json describe_jpeg(std::string_view bytes, const std::string& origin);
Json describe_webp(std::string_view bytes, const std::string& origin);

/// To 8-bit sRGB over `background`; damaged profiles are ignored, as browsers do.
Image to_srgb(const Decoded& decoded, Rgb background);

/// The orientation (1 to 8) that EXIF data states; 1 where it states none or is damaged. `tiff`
/// begins at the TIFF header ("II*\0" or "MM\0*").
int exif_orientation(std::string_view tiff);
/// Turned and mirrored so that it stands upright.
Image upright(Image picture, int orientation);

}  // namespace iclora::image
