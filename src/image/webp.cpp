#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "core/error.h"
#include "image/decoded.h"

namespace iclora::image {
namespace {

WebPBitstreamFeatures features_of(std::string_view bytes, const std::string& origin) {
  WebPBitstreamFeatures features{};
  const auto status =
      WebPGetFeatures(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &features);
  if (status != VP8_STATUS_OK) fail_input("{} is a damaged or truncated WebP file.", origin);
  return features;
}

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

std::string chunk_of(WebPDemuxer* demuxer, const char* name) {
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, name, 1, &chunk) == 0) return "";
  std::string data(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size);
  WebPDemuxReleaseChunkIterator(&chunk);
  return data;
}

}  // namespace

Decoded decode_webp(std::string_view bytes, const std::string& origin) {
  const WebPBitstreamFeatures features = features_of(bytes, origin);
  check_size(static_cast<uint64_t>(features.width), static_cast<uint64_t>(features.height), origin);
  if (features.has_animation != 0) {
    fail_input("{} is an animation; save the frame that is meant as a picture.", origin);
  }
  Decoded decoded;
  decoded.width = features.width;
  decoded.height = features.height;
  const auto pixels = static_cast<size_t>(decoded.width * decoded.height);
  std::vector<uint8_t> rgba(pixels * 4);
  if (WebPDecodeRGBAInto(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), rgba.data(),
                         rgba.size(), features.width * 4) == nullptr) {
    fail_input("{} is a damaged or truncated WebP file.", origin);
  }
  decoded.samples.resize(pixels * 3);
  if (features.has_alpha != 0) decoded.alpha.resize(pixels);
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      decoded.samples[3 * i + c] = static_cast<uint16_t>(rgba[4 * i + c] * 257);
    }
    if (features.has_alpha != 0) decoded.alpha[i] = static_cast<uint16_t>(rgba[4 * i + 3] * 257);
  }
  const WebPData data = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer(WebPDemux(&data));
  if (demuxer) {
    decoded.icc = chunk_of(demuxer.get(), "ICCP");
    std::string exif = chunk_of(demuxer.get(), "EXIF");
    if (exif.starts_with(std::string_view("Exif\0\0", 6))) exif.erase(0, 6);
    decoded.orientation = exif_orientation(exif);
  }
  return decoded;
}

Json describe_webp(std::string_view bytes, const std::string& origin) {
  const WebPBitstreamFeatures features = features_of(bytes, origin);
  return {{"format", "webp"},
          {"width", features.width},
          {"height", features.height},
          {"bit_depth", 8},
          {"colour", features.has_alpha != 0 ? "rgb+alpha" : "rgb"}};
}

}  // namespace iclora::image
