#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "image/source.h"

namespace iclora::image {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using Profile = std::unique_ptr<void, CloseProfile>;
using Transform = std::unique_ptr<void, DeleteTransform>;

constexpr std::array<double, 8> kSrgbXy = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};

size_t colour_count(Channels channels) {
  return channels == Channels::grey ? 1 : channels == Channels::rgb ? 3 : 4;
}

/// Whether gAMA states another encoding than that of sRGB, which is near enough to 1 / 2.2.
bool states_gamma(const Calibration& stated) {
  return stated.gamma >= 0.05 && stated.gamma <= 20 && std::abs(stated.gamma - 1 / 2.2) >= 0.005;
}

/// The profile that gAMA and cHRM describe; none where they describe sRGB.
Profile calibrated_profile(const Source& source) {
  const Calibration& stated = source.calibration;
  if (stated.gamma < 0.05 || stated.gamma > 20 || source.channels != Channels::rgb) return nullptr;
  const std::array<double, 8>& xy = stated.xy[0] > 0 ? stated.xy : kSrgbXy;
  double farthest = 0;
  for (size_t i = 0; i < xy.size(); ++i) {
    if (!(xy[i] >= 0 && xy[i] <= 1) || (i % 2 == 1 && xy[i] < 1e-4)) return nullptr;
    farthest = std::max(farthest, std::abs(xy[i] - kSrgbXy[i]));
  }
  if (!states_gamma(stated) && farthest < 0.002) return nullptr;
  const std::unique_ptr<cmsToneCurve, FreeCurve> curve(cmsBuildGamma(nullptr, 1 / stated.gamma));
  if (!curve) return nullptr;
  const cmsCIExyY white = {xy[0], xy[1], 1};
  const cmsCIExyYTRIPLE primaries = {{xy[2], xy[3], 1}, {xy[4], xy[5], 1}, {xy[6], xy[7], 1}};
  cmsToneCurve* curves[] = {curve.get(), curve.get(), curve.get()};
  return Profile(cmsCreateRGBProfile(&white, &primaries, curves));
}

/// What each value of a grey picture with gAMA is in sRGB (IEC 61966-2-1); empty where it stays.
std::vector<uint16_t> grey_curve(const Source& source) {
  if (source.channels != Channels::grey || !source.icc.empty() ||
      !states_gamma(source.calibration)) {
    return {};
  }
  std::vector<uint16_t> curve(source.depth == 8 ? 256 : 65536);
  const auto most = static_cast<double>(curve.size() - 1);
  for (size_t i = 0; i < curve.size(); ++i) {
    const double light = std::pow(static_cast<double>(i) / most, 1 / source.calibration.gamma);
    const double encoded =
        light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
    curve[i] = static_cast<uint16_t>(std::lround(std::clamp(encoded, 0.0, 1.0) * most));
  }
  return curve;
}

/// The profile of the file, where it has one that fits its channels.
Profile profile_of(const Source& source) {
  if (source.icc.empty()) return calibrated_profile(source);
  Profile profile(
      cmsOpenProfileFromMem(source.icc.data(), static_cast<cmsUInt32Number>(source.icc.size())));
  if (!profile) return nullptr;
  const cmsColorSpaceSignature wanted = source.channels == Channels::grey  ? cmsSigGrayData
                                        : source.channels == Channels::rgb ? cmsSigRgbData
                                                                           : cmsSigCmykData;
  if (cmsGetColorSpace(profile.get()) != wanted) return nullptr;
  return profile;
}

/// To sRGB of the same depth; none where the file's numbers are taken as they are.
Transform transform_of(const Source& source) {
  const Profile from = profile_of(source);
  if (!from) return nullptr;
  const Profile srgb(cmsCreate_sRGBProfile());
  const cmsUInt32Number space = source.channels == Channels::grey  ? PT_GRAY
                                : source.channels == Channels::rgb ? PT_RGB
                                                                   : PT_CMYK;
  const cmsUInt32Number depth = BYTES_SH(static_cast<cmsUInt32Number>(source.depth / 8));
  const auto count = static_cast<cmsUInt32Number>(colour_count(source.channels));
  const cmsUInt32Number in = COLORSPACE_SH(space) | CHANNELS_SH(count) | depth |
                             EXTRA_SH(source.alpha ? 1U : 0U) |
                             FLAVOR_SH(source.channels == Channels::cmyk ? 1U : 0U);
  const cmsUInt32Number out = COLORSPACE_SH(PT_RGB) | CHANNELS_SH(3) | depth;
  const cmsUInt32Number flags = source.depth == 16 ? cmsFLAGS_HIGHRESPRECALC : 0;
  return Transform(cmsCreateTransform(from.get(), in, srgb.get(), out, INTENT_PERCEPTUAL, flags));
}

}  // namespace

size_t Source::samples_per_pixel() const {
  return colour_count(channels) + (alpha ? 1 : 0);
}

size_t Source::row_bytes() const {
  return static_cast<size_t>(width) * samples_per_pixel() * static_cast<size_t>(depth / 8);
}

struct SrgbRows::Conversion {
  Source source;
  Rgb background;
  Transform transform;
  std::vector<uint16_t> grey;  ///< grey_curve
  Image picture;
  std::vector<uint16_t> managed;  ///< one row of RGB, of the source's depth

  template <typename Sample>
  void put(const Sample* row, uint8_t* out);
};

template <typename Sample>
void SrgbRows::Conversion::put(const Sample* row, uint8_t* out) {
  constexpr uint64_t kMost = sizeof(Sample) == 1 ? 255 : 65535;
  const size_t stride = source.samples_per_pixel();
  const auto width = static_cast<size_t>(source.width);
  const Sample* colours = row;
  size_t colour_stride = stride;
  Channels channels = source.channels;
  if (transform) {
    cmsDoTransform(transform.get(), row, managed.data(), static_cast<cmsUInt32Number>(width));
    colours = reinterpret_cast<const Sample*>(managed.data());
    colour_stride = 3;
    channels = Channels::rgb;
  }
  if (sizeof(Sample) == 1 && channels == Channels::rgb && !source.alpha && grey.empty()) {
    std::memcpy(out, colours, width * 3);  // most pictures
    return;
  }
  const uint64_t ground[3] = {background.r, background.g, background.b};
  for (size_t x = 0; x < width; ++x) {
    const Sample* in = colours + x * colour_stride;
    for (size_t c = 0; c < 3; ++c) {
      uint64_t value = 0;
      if (channels == Channels::cmyk) {
        // Ink on white paper, each taking its part: what is done everywhere without a profile.
        value = in[3] - ((kMost - in[c]) * in[3] + kMost / 2) / kMost;
      } else {
        value = in[channels == Channels::grey ? 0 : c];
        if (!grey.empty()) value = grey[value];
      }
      if (source.alpha) {
        const uint64_t alpha = row[x * stride + stride - 1];
        value = (value * alpha + ground[c] * (kMost / 255) * (kMost - alpha) + kMost / 2) / kMost;
      }
      out[3 * x + c] = static_cast<uint8_t>(kMost == 255 ? value : (value + 128) / 257);
    }
  }
}

SrgbRows::SrgbRows(const Source& source, Rgb background)
    : conversion_(std::make_unique<Conversion>()) {
  conversion_->source = source;
  conversion_->background = background;
  conversion_->transform = transform_of(source);
  conversion_->grey = grey_curve(source);
  conversion_->picture.width = source.width;
  conversion_->picture.height = source.height;
  // Reserved, but touched only as rows come: a bomb that states a large size stays small.
  conversion_->picture.rgb.reserve(static_cast<size_t>(source.width * source.height) * 3);
  conversion_->managed.resize(static_cast<size_t>(source.width) * 3);
}

SrgbRows::~SrgbRows() = default;

void SrgbRows::put(const void* row) {
  std::vector<uint8_t>& rgb = conversion_->picture.rgb;
  const size_t start = rgb.size();
  rgb.resize(start + static_cast<size_t>(conversion_->source.width) * 3);
  if (conversion_->source.depth == 8) {
    conversion_->put(static_cast<const uint8_t*>(row), &rgb[start]);
  } else {
    conversion_->put(static_cast<const uint16_t*>(row), &rgb[start]);
  }
}

Image SrgbRows::take() {
  return upright(std::move(conversion_->picture), conversion_->source.orientation);
}

std::string profile_name(std::string_view icc) {
  const Profile profile(
      cmsOpenProfileFromMem(icc.data(), static_cast<cmsUInt32Number>(icc.size())));
  if (!profile) return "";
  char name[256] = "";
  cmsGetProfileInfoASCII(profile.get(), cmsInfoDescription, "en", "US", name, sizeof name);
  name[sizeof name - 1] = '\0';
  return printable(name);
}

}  // namespace iclora::image
