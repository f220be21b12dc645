#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "image/decoded.h"

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

int channel_count(Channels channels) {
  return channels == Channels::grey ? 1 : channels == Channels::rgb ? 3 : 4;
}

/// The profile of the file, where it has one that fits its channels.
Profile source_profile(const Decoded& decoded) {
  if (!decoded.icc.empty()) {
    Profile profile(cmsOpenProfileFromMem(decoded.icc.data(),
                                          static_cast<cmsUInt32Number>(decoded.icc.size())));
    if (!profile) return nullptr;
    const cmsColorSpaceSignature wanted = decoded.channels == Channels::grey  ? cmsSigGrayData
                                          : decoded.channels == Channels::rgb ? cmsSigRgbData
                                                                              : cmsSigCmykData;
    if (cmsGetColorSpace(profile.get()) != wanted) return nullptr;
    return profile;
  }
  // A stated gamma (PNG gAMA) other than that of sRGB, 1 / 2.2.
  if (decoded.gamma > 0 && std::abs(decoded.gamma - 0.45455) > 0.005 &&
      decoded.channels != Channels::cmyk) {
    const std::unique_ptr<cmsToneCurve, FreeCurve> curve(cmsBuildGamma(nullptr, 1 / decoded.gamma));
    if (!curve) return nullptr;
    if (decoded.channels == Channels::grey) {
      return Profile(cmsCreateGrayProfile(cmsD50_xyY(), curve.get()));
    }
    const cmsCIExyY white = {0.3127, 0.3290, 1.0};
    const cmsCIExyYTRIPLE primaries = {{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};
    cmsToneCurve* curves[] = {curve.get(), curve.get(), curve.get()};
    return Profile(cmsCreateRGBProfile(&white, &primaries, curves));
  }
  return nullptr;
}

/// Samples as RGB of 16 bits, colours managed where there is a profile.
std::vector<uint16_t> to_rgb16(const Decoded& decoded) {
  const auto pixels = static_cast<size_t>(decoded.width * decoded.height);
  std::vector<uint16_t> rgb(pixels * 3);
  if (const Profile source = source_profile(decoded)) {
    const cmsUInt32Number type = decoded.channels == Channels::grey  ? TYPE_GRAY_16
                                 : decoded.channels == Channels::rgb ? TYPE_RGB_16
                                                                     : TYPE_CMYK_16;
    const Profile srgb(cmsCreate_sRGBProfile());
    const Transform transform(cmsCreateTransform(source.get(), type, srgb.get(), TYPE_RGB_16,
                                                 INTENT_PERCEPTUAL, cmsFLAGS_NOCACHE));
    if (transform) {
      const auto channels = static_cast<size_t>(channel_count(decoded.channels));
      const auto width = static_cast<size_t>(decoded.width);
      for (size_t y = 0; y < static_cast<size_t>(decoded.height); ++y) {
        cmsDoTransform(transform.get(), decoded.samples.data() + y * width * channels,
                       rgb.data() + y * width * 3, static_cast<cmsUInt32Number>(width));
      }
      return rgb;
    }
  }
  const uint16_t* in = decoded.samples.data();
  for (size_t i = 0; i < pixels; ++i) {
    uint16_t* out = rgb.data() + 3 * i;
    if (decoded.channels == Channels::grey) {
      out[0] = out[1] = out[2] = in[i];
    } else if (decoded.channels == Channels::rgb) {
      std::copy_n(in + 3 * i, 3, out);
    } else {
      // Ink on white paper, each taking its part: what is done everywhere without a profile.
      const uint32_t key = 65535 - in[4 * i + 3];
      for (size_t c = 0; c < 3; ++c) {
        out[c] = static_cast<uint16_t>((65535 - in[4 * i + c]) * key / 65535);
      }
    }
  }
  return rgb;
}

}  // namespace

Image to_srgb(const Decoded& decoded, Rgb background) {
  const std::vector<uint16_t> rgb = to_rgb16(decoded);
  Image picture(decoded.width, decoded.height);
  const uint32_t ground[3] = {background.r * 257U, background.g * 257U, background.b * 257U};
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    uint64_t value = rgb[i];
    if (!decoded.alpha.empty()) {
      const uint64_t alpha = decoded.alpha[i / 3];
      value = (value * alpha + ground[i % 3] * (65535 - alpha) + 32767) / 65535;
    }
    picture.rgb[i] = static_cast<uint8_t>((value + 128) / 257);
  }
  return picture;
}

}  // namespace iclora::image
